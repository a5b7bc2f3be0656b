"""One pool; the order is committed first, and only half of the connections may be in a statement that locks."""

from __future__ import annotations

import asyncio

from windtunnel import Stage
from windtunnel.blocks.resilience import Bulkhead
from windtunnel.catalogue.scale.pool_exhaustion import GivenBack, Params
from windtunnel.engines import Plus

challenge = "pool-exhaustion"


class Yours(GivenBack):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.lockers = Bulkhead(max(1, p.pool // 2), queue_limit=10**6, wait_s=p.wait_s)

    async def buy(self, order: int, item: int, work_s: float) -> None:
        async with self.lockers, self.for_buys, self.db.transaction() as t:
            async with asyncio.timeout(0.2):
                await t.insert("sale", {"id": order, "state": "asked"})
                await t.update("item", {"id": item}, {"stock": Plus(-1)})
        await self.ask(order, work_s)
        async with self.for_buys:
            await self.db.update("sale", {"id": order}, {"state": "paid"})
