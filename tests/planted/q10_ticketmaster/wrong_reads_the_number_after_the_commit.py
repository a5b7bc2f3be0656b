"""The ticket's number is read when the row is free again, and somebody else has changed it."""

from __future__ import annotations

from windtunnel.catalogue.interview.q10_ticketmaster import Shop
from windtunnel.engines import AtLeast, Plus

challenge = "q10-ticketmaster"


class Yours(Shop):
    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        if not await self.db.update("event", {"id": 1, "stock": AtLeast(1)}, {"stock": Plus(-1)}):
            return None
        event = await self.db.get("event", 1)
        ticket = int(event["stock"] or 0) + 1 if event else 0
        await self.db.insert("sale", {"id": buyer, "ticket": ticket, "state": "sold"})
        return ticket
