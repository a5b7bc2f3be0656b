"""Puts the value where readers find it and then onto the disk: a write that is refused was never promised."""

from __future__ import annotations

from typing import Any

from windtunnel.catalogue.scale.chaos import Tested
from windtunnel.catalogue.scale.chaos.replica import Replica, Stamp

challenge = "chaos"


class _Mine(Replica):
    async def store(self, key: str, stamp: Stamp, value: Any) -> bool:
        if stamp > self.known(key)[0]:
            self.cells[key] = stamp, value
            self.write(key, stamp, value)
        return True


class Yours(Tested):
    def replica(self, me: int) -> Replica:
        return _Mine(me, self.addresses, "/store")
