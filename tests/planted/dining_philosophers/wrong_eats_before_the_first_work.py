"""Takes both forks for the dinner alone: the work that needs the first of them is done afterwards, without any."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.concurrency.dining_philosophers import EvenFirst

challenge = "dining-philosophers"


class Yours(EvenFirst):
    @process
    async def dine(self, table: int, seat: int, gap_s: float, eat_s: float) -> None:
        first, second = self.forks(table, seat)
        async with first, second:
            await self.plates.serve(eat_s)
        await self.hands.serve(gap_s)
