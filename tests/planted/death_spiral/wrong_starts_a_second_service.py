"""When it is slow, start a second one beside it."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.death_spiral import WORKERS, LineOutside, Params, Service
from windtunnel.sim import Fifo

challenge = "death-spiral"


class Yours(LineOutside):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.other = Service.__new__(Service)
        self.other.p = p
        self.other.server = stage.server("other", workers=WORKERS, discipline=Fifo())

    async def handle(self, work_s: float) -> None:
        if self.admitted > self.p.limit // 2:
            self.service, self.other = self.other, self.service
        await super().handle(work_s)
