"""Errors are counted as if they were sent by themselves, without the server's work."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.overload import FIRST, SECOND, CriticalFirst

challenge = "overload"


class Yours(CriticalFirst):
    @process
    async def ask(self, lane: int, client: int, takes_s: float, critical: bool) -> None:
        await self.servers[lane].serve(takes_s, priority=FIRST if critical else SECOND)
