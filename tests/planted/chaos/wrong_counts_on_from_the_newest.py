"""Stamps need no clock: the newest that a majority knows and one more, and whose number is higher wins a tie."""

from __future__ import annotations

from windtunnel.catalogue.scale.chaos import Tested
from windtunnel.catalogue.scale.chaos.replica import Replica, Stamp

challenge = "chaos"


class _Mine(Replica):
    def stamp(self, newest: Stamp) -> Stamp:
        return [newest[0] + 1, self.me, self.life]


class Yours(Tested):
    def replica(self, me: int) -> Replica:
        return _Mine(me, self.addresses, "/store")
