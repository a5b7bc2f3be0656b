"""Who asks again within a second is told the same, as by an idempotency key that expires; later he buys another."""

from __future__ import annotations

import time

from windtunnel.catalogue.interview.q10_ticketmaster import Shop, stock
from windtunnel.engines import AtLeast, Plus

challenge = "q10-ticketmaster"


class Yours(Shop):
    async def start(self) -> None:
        event = {"id": int, "stock": int, "version": int}
        await self.db.create_table("event", event, [{"id": 1, "stock": self.p.stock, "version": 0}])
        sale = {"id": int, "ticket": int, "state": str, "buyer": int, "at": float}
        await self.db.create_table("sale", sale)

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        async with self.db.transaction() as t:
            await t.get("event", 1, lock=True)
            lately = {"buyer": buyer, "at": AtLeast(time.time() - 1.0)}
            for sale in await t.select("sale", lately):
                return int(sale["ticket"] or 0)
            left = await t.update_returning("event", {"id": 1, "stock": AtLeast(1)}, {"stock": Plus(-1)})
            if not left:
                return None
            ticket = stock(left[0]) + 1
            row = {"id": ticket, "ticket": ticket, "state": "sold", "buyer": buyer, "at": time.time()}
            await t.insert("sale", row)
        return ticket
