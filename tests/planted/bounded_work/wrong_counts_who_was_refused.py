"""Counts who comes in before it looks, and forgets to count out who is refused."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.bounded_work import WORKERS, Structured, TurnedAway

challenge = "bounded-work"


class Yours(Structured):
    def boot(self) -> None:
        super().boot()
        self.count = 0

    async def take(self, number: int, work_s: float) -> None:
        self.count += 1
        if self.count > WORKERS + self.p.places:
            raise TurnedAway
        try:
            await self.carry_out(number, work_s)
        finally:
            self.count -= 1
