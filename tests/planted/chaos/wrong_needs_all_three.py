"""Waits for all three replicas, so that none of them ever lacks anything."""

from __future__ import annotations

from windtunnel.catalogue.scale.chaos import Tested
from windtunnel.catalogue.scale.chaos.replica import Replica

challenge = "chaos"


class _Mine(Replica):
    needed = 3


class Yours(Tested):
    def replica(self, me: int) -> Replica:
        return _Mine(me, self.addresses, "/store")
