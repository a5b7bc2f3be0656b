"""Four workers, four orders, and who comes fifth is refused: then nobody has to wait at all."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.bounded_work import WORKERS, Structured, TurnedAway

challenge = "bounded-work"


class Yours(Structured):
    async def take(self, number: int, work_s: float) -> None:
        if len(self.requests) > WORKERS:
            raise TurnedAway
        await self.carry_out(number, work_s)
