"""A log that has failed is opened again at once, and the write is tried once more before it is refused."""

from __future__ import annotations

from typing import Any

from windtunnel.catalogue.scale.chaos import Tested
from windtunnel.catalogue.scale.chaos.replica import NotDone, Replica, Stamp

challenge = "chaos"


class _Mine(Replica):
    def write(self, key: str, stamp: Stamp, value: Any) -> None:
        try:
            super().write(key, stamp, value)
        except NotDone:
            super().write(key, stamp, value)


class Yours(Tested):
    def replica(self, me: int) -> Replica:
        return _Mine(me, self.addresses, "/store")
