"""Who asks again is told his ticket while there are others; once they are gone he is told what all are told."""

from __future__ import annotations

from windtunnel.catalogue.interview.q10_ticketmaster import Shop, stock
from windtunnel.engines import AtLeast, Plus

challenge = "q10-ticketmaster"


class Yours(Shop):
    async def sell(self, buyer: int, pays_after_s: float | None) -> int | None:
        async with self.db.transaction() as t:
            if not stock(await t.get("event", 1)):
                raise SoldOut
            left = await t.update_returning("event", {"id": 1, "stock": AtLeast(1)}, {"stock": Plus(-1)})
            if not left:
                raise SoldOut
            await t.insert("sale", {"id": buyer, "ticket": stock(left[0]) + 1, "state": "sold"})
        return stock(left[0]) + 1

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        try:
            return await super().buy(buyer, pays_after_s)
        except SoldOut:
            return None


class SoldOut(Exception):
    pass
