"""Where there is no time, clients get an answer that was prepared, and nobody has worked for it."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.overload import FIRST, ThrottledClients

challenge = "overload"


class Yours(ThrottledClients):
    @process
    async def ask(self, lane: int, client: int, takes_s: float, critical: bool) -> None:
        if self.servers[lane].waiting < 5:
            await self.servers[lane].serve(takes_s, priority=FIRST)
