"""A log that has failed is put aside, and a new one is begun so that writes go on."""

from __future__ import annotations

from typing import Any

from windtunnel.catalogue.scale.chaos import Tested
from windtunnel.catalogue.scale.chaos.replica import NotDone, Replica, Stamp

challenge = "chaos"


class _Mine(Replica):
    logs = 0

    def write(self, key: str, stamp: Stamp, value: Any) -> None:
        try:
            super().write(key, stamp, value)
        except NotDone:
            self.logs += 1
            self.folder = f"/store {self.logs}"
            raise


class Yours(Tested):
    def replica(self, me: int) -> Replica:
        return _Mine(me, self.addresses, "/store")
