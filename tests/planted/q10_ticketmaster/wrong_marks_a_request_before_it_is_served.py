"""A request is marked as served before it is: who asks again, since his server died, is told that he has nothing."""

from __future__ import annotations

from windtunnel.catalogue.interview.q10_ticketmaster import ConditionalUpdate
from windtunnel.engines import Conflict

challenge = "q10-ticketmaster"


class Yours(ConditionalUpdate):
    async def start(self) -> None:
        await super().start()
        await self.db.create_table("served", {"id": int})

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        try:
            await self.db.insert("served", {"id": buyer})
        except Conflict:
            return await self.mine(buyer)
        return await self.sell(buyer, pays_after_s)
