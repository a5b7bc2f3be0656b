"""Saying no takes time from those who can be served: it is put off until nobody waits."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.overload import FIRST, REFUSED, SECOND, CriticalFirst
from windtunnel.sim import Discipline, Fifo

challenge = "overload"
LAST = SECOND + 1


class Yours(CriticalFirst):
    def standing(self) -> tuple[Discipline, ...]:
        return (*super().standing(), Fifo())

    @process
    async def ask(self, lane: int, client: int, takes_s: float, critical: bool) -> None:
        serve = self.servers[lane].serve
        try:
            await serve(takes_s, priority=FIRST if critical else SECOND)
        except REFUSED:
            await serve(self.refusal_s, priority=LAST)
            raise
