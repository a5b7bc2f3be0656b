"""A fail-over to a machine that stands by, of which there is none."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.metastable_failure import Params, RetryBudget
from windtunnel.sim import Signal

challenge = "metastable-failure"


class Yours(RetryBudget):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.standby = stage.server("standby")

    def send(self, work_s: float) -> Signal[None]:
        return self.standby.submit(work_s) if self.server.inside > 5 else super().send(work_s)
