"""Does the first work with no fork in hand, and takes both, in order, for eating alone."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.concurrency.dining_philosophers import EvenFirst

challenge = "dining-philosophers"


class Yours(EvenFirst):
    @process
    async def dine(self, table: int, seat: int, gap_s: float, eat_s: float) -> None:
        first, second = self.forks(table, seat)
        await self.hands.serve(gap_s)
        async with first, second:
            await self.plates.serve(eat_s)
