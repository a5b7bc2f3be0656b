"""The trigger switches shedding on, and nothing switches it off."""

from __future__ import annotations

from windtunnel import Stage, process
from windtunnel.catalogue.scale.metastable_failure import Params, RetryBudget

challenge = "metastable-failure"


class Yours(RetryBudget):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.shedding = False
        self.asked = 0

    @process
    async def ask(self) -> None:
        self.shedding = self.shedding or self.server.inside > 0.3 * self.p.capacity * self.p.patience_s
        self.asked += 1
        if self.shedding and self.asked % 2:
            raise TimeoutError
        await self.call(1 / self.p.capacity)
