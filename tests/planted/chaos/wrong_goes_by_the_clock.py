"""The last write wins, by the clock of whoever takes it: clocks are synchronised."""

from __future__ import annotations

import time

from windtunnel.catalogue.scale.chaos import Tested
from windtunnel.catalogue.scale.chaos.replica import Replica, Stamp

challenge = "chaos"


class _Mine(Replica):
    def stamp(self, newest: Stamp) -> Stamp:
        return [time.time_ns() // 1000, self.me, self.life]


class Yours(Tested):
    def replica(self, me: int) -> Replica:
        return _Mine(me, self.addresses, "/store")
