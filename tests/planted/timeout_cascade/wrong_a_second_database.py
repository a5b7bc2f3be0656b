"""Another attempt goes to a database of its own, which there is not."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.timeout_cascade import OutermostOnly, Params
from windtunnel.sim import Fifo, Job

challenge = "timeout-cascade"


class Yours(OutermostOnly):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.both = [self.database, stage.server("standby", discipline=Fifo())]

    def query(self, work_s: float, gone_s: float, wait_s: float) -> Job | None:
        self.both.reverse()
        self.database = self.both[0]
        return super().query(work_s, gone_s, wait_s)
