"""A failure counts as load, and what failed is sent once more: hardly anything has to be."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.sinkhole import OUT, Failed, FailuresAsLoad
from windtunnel.sim import Rejected

challenge = "sinkhole"


class Yours(FailuresAsLoad):
    @process
    async def handle(self, work_s: float, good: bool) -> None:
        first = self.law.choose()
        try:
            await self.ask(first, work_s, good)
        except (Failed, Rejected):
            self.count[first] += OUT
            second = self.law.choose()
            self.count[first] -= OUT
            await self.ask(second, work_s, good)
