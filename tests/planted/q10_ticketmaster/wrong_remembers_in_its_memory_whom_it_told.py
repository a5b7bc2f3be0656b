"""Who asks again is answered from a table in memory; another server, or the same after its death, has an empty one."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.interview.q10_ticketmaster import Params, Shop, stock
from windtunnel.engines import AtLeast, Plus

challenge = "q10-ticketmaster"


class Yours(Shop):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.told: dict[int, int] = {}

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        if buyer in self.told:
            return self.told[buyer]
        async with self.db.transaction() as t:
            left = await t.update_returning("event", {"id": 1, "stock": AtLeast(1)}, {"stock": Plus(-1)})
            if not left:
                return None
            await t.insert("sale", {"id": buyer, "ticket": stock(left[0]) + 1, "state": "sold"})
        self.told[buyer] = stock(left[0]) + 1
        return self.told[buyer]
