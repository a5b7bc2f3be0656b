"""The same, and the table stands at the class, where a second server on another machine does not find it."""

from __future__ import annotations

from typing import ClassVar

from windtunnel.catalogue.interview.q10_ticketmaster import Shop, stock
from windtunnel.engines import AtLeast, Conflict, Plus

challenge = "q10-ticketmaster"


class Yours(Shop):
    told: ClassVar[dict[int, int]] = {}

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        try:
            async with self.db.transaction() as t:
                left = await t.update_returning("event", {"id": 1, "stock": AtLeast(1)}, {"stock": Plus(-1)})
                if left:
                    await t.insert("sale", {"id": buyer, "ticket": stock(left[0]) + 1, "state": "sold"})
                    self.told[buyer] = stock(left[0]) + 1
                    return self.told[buyer]
        except Conflict:
            pass
        return self.told.get(buyer)
