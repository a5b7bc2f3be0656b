"""One answer is enough, so that two may fail; the others learn of it when they start."""

from __future__ import annotations

from windtunnel.catalogue.scale.chaos import Tested
from windtunnel.catalogue.scale.chaos.replica import Replica

challenge = "chaos"


class _Mine(Replica):
    needed = 1


class Yours(Tested):
    def replica(self, me: int) -> Replica:
        return _Mine(me, self.addresses, "/store")
