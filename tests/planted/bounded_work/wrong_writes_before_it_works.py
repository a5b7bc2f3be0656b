"""The order is written as done first, so that it cannot be lost, and then carried out."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.bounded_work import WORKERS, Structured, TurnedAway

challenge = "bounded-work"


class Yours(Structured):
    async def take(self, number: int, work_s: float) -> None:
        if len(self.requests) > WORKERS + self.p.places:
            raise TurnedAway
        await self.db.insert("done", {"id": number})
        async with self.slots:
            await self.backend.serve(work_s)
