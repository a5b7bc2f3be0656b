"""When all queues are long, a server comes in that nobody has paid for."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.load_balancing import Params, TwoChoices
from windtunnel.sim import Departure

challenge = "load-balancing"


class Yours(TwoChoices):
    def __init__(self, stage: Stage, params: Params) -> None:
        super().__init__(stage, params)
        self.spare = stage.server("spare")

    def handle(self, work: float) -> Departure:
        if min(server.inside for server in self.servers) > 1:
            return self.spare.submit(work)
        return super().handle(work)
