"""The machine is asked beside its sick process, as if the work could be done without it."""

from __future__ import annotations

from windtunnel.catalogue.scale.sinkhole import LeastConnections

challenge = "sinkhole"


class Yours(LeastConnections):
    async def ask(self, i: int, work_s: float, good: bool) -> None:
        self.count[i] += 1
        try:
            await self.backends[i].server.serve(work_s)
        finally:
            self.count[i] -= 1
