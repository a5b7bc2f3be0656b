"""The provider is asked first, without a connection and without a row that would tell of it."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.scale.pool_exhaustion import AllThree
from windtunnel.engines import Plus

challenge = "pool-exhaustion"


class Yours(AllThree):
    async def buy(self, order: int, item: int, work_s: float) -> None:
        await self.ask(order, work_s)
        async with self.for_buys, self.db.transaction() as t:
            async with asyncio.timeout(0.3):
                await t.update("item", {"id": item}, {"stock": Plus(-1)})
            await t.insert("sale", {"id": order, "state": "paid"})
