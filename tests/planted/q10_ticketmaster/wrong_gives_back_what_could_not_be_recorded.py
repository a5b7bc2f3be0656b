"""The ticket is taken alone, and given back in an exception's handler; who is killed handles nothing."""

from __future__ import annotations

from windtunnel.catalogue.interview.q10_ticketmaster import Shop, stock
from windtunnel.engines import AtLeast, Plus

challenge = "q10-ticketmaster"


class Yours(Shop):
    async def sell(self, buyer: int, pays_after_s: float | None) -> int | None:
        left = await self.db.update_returning("event", {"id": 1, "stock": AtLeast(1)}, {"stock": Plus(-1)})
        if not left:
            return await self.mine(buyer)
        ticket = stock(left[0]) + 1
        try:
            await self.db.insert("sale", {"id": buyer, "ticket": ticket, "state": "sold"})
        except Exception:
            await self.db.update("event", {"id": 1}, {"stock": Plus(1)})
            raise
        return ticket
