"""Looks whether both forks are free, does the first work, and only then takes them."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.concurrency.dining_philosophers import BothOrNone

challenge = "dining-philosophers"


class Yours(BothOrNone):
    @process
    async def dine(self, table: int, seat: int, gap_s: float, eat_s: float) -> None:
        taken, left, right = self.taken[table], seat, (seat + 1) % self.p.seats
        while taken[left] or taken[right]:
            turn = self.stage.signal()
            self.hungry[table].append(turn)
            await turn
        await self.hands.serve(gap_s)
        taken[left] = taken[right] = True
        await self.plates.serve(eat_s)
        taken[left] = taken[right] = False
        woken, self.hungry[table] = self.hungry[table], []
        for turn in woken:
            turn.set()
