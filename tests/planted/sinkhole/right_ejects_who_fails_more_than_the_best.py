"""A server is left out while it fails much more often than the best one; refusals are no failures."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.sinkhole import OUT, Failed, LeastConnections, Params

challenge = "sinkhole"


class Yours(LeastConnections):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.fails = [0.0] * self.n

    async def ask(self, i: int, work_s: float, good: bool) -> None:
        self.count[i] += 1
        try:
            await self.backends[i].serve(work_s, good)
            self.noted(i, True)
        except Failed:
            self.noted(i, False)
            raise
        finally:
            self.count[i] -= 1

    def noted(self, i: int, well: bool) -> None:
        self.fails[i] += 0.1 * ((not well) - self.fails[i])
        if self.count[i] < OUT and self.fails[i] > min(self.fails) + 0.5:
            self.count[i] += OUT
            self.later(self.back, i)

    def back(self, i: int) -> None:
        self.count[i] -= OUT
        self.fails[i] = min(self.fails) + 0.4
