"""Who would have to wait is turned away, so that nobody waits."""

from __future__ import annotations

from windtunnel.catalogue.scale.load_balancing import TwoChoices
from windtunnel.sim import Departure

challenge = "load-balancing"


class Busy(Exception):
    outcome = "fail"


class Yours(TwoChoices):
    def handle(self, work: float) -> Departure:
        if min(server.inside for server in self.servers) > 2:
            raise Busy
        return super().handle(work)
