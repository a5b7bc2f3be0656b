"""Whether a buyer has a ticket is asked before the transaction, and no key says so: two requests at once both sell."""

from __future__ import annotations

from windtunnel.catalogue.interview.q10_ticketmaster import Shop, stock
from windtunnel.engines import AtLeast, Plus

challenge = "q10-ticketmaster"


class Yours(Shop):
    async def start(self) -> None:
        event = {"id": int, "stock": int, "version": int}
        await self.db.create_table("event", event, [{"id": 1, "stock": self.p.stock, "version": 0}])
        await self.db.create_table("sale", {"id": int, "ticket": int, "state": str, "buyer": int})

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        known = await self.db.select("sale", {"buyer": buyer})
        if known:
            return int(known[0]["ticket"] or 0)
        async with self.db.transaction() as t:
            left = await t.update_returning("event", {"id": 1, "stock": AtLeast(1)}, {"stock": Plus(-1)})
            if not left:
                return None
            ticket = stock(left[0]) + 1
            await t.insert("sale", {"id": ticket, "ticket": ticket, "state": "sold", "buyer": buyer})
        return ticket
