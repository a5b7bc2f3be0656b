"""What fails goes on to the next server until one answers: everybody is answered, and each is asked many times."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.sinkhole import Failed, LeastConnections
from windtunnel.sim import Rejected

challenge = "sinkhole"


class Yours(LeastConnections):
    @process
    async def handle(self, work_s: float, good: bool) -> None:
        for i in sorted(range(self.n), key=self.count.__getitem__)[:-1]:
            try:
                await self.ask(i, work_s, good)
            except (Failed, Rejected):
                continue
            return
        await self.ask(self.law.choose(), work_s, good)
