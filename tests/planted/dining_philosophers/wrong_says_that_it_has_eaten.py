"""Tells that the dinner is eaten when it has both forks."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.concurrency.dining_philosophers import EvenFirst

challenge = "dining-philosophers"


class Yours(EvenFirst):
    @process
    async def dine(self, table: int, seat: int, gap_s: float, eat_s: float) -> None:
        first, second = self.forks(table, seat)
        async with first:
            await self.hands.serve(gap_s)
            async with second:
                pass
