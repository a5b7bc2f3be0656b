"""In trouble the last answer is given again, and nobody has asked whether it is any."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.metastable_failure import RetryBudget

challenge = "metastable-failure"


class Yours(RetryBudget):
    @process
    async def ask(self) -> None:
        if self.server.inside < 20:
            await self.call(1 / self.p.capacity)
