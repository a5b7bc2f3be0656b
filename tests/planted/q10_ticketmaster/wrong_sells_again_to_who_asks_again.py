"""Each request is a sale with a number of its own: who asks again, since he heard nothing, buys again."""

from __future__ import annotations

from windtunnel.catalogue.interview.q10_ticketmaster import Shop, stock
from windtunnel.engines import AtLeast, Plus

challenge = "q10-ticketmaster"


class Yours(Shop):
    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        async with self.db.transaction() as t:
            left = await t.update_returning("event", {"id": 1, "stock": AtLeast(1)}, {"stock": Plus(-1)})
            if not left:
                return None
            ticket = stock(left[0]) + 1
            # By its ticket: the buyer's own number would be refused the second time.
            await t.insert("sale", {"id": ticket, "ticket": ticket, "state": "sold"})
        return ticket
