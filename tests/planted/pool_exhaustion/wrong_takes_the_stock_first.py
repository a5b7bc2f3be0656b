"""The stock is taken in a statement of its own, and the order noted in the next one, which may find no connection."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.scale.pool_exhaustion import AllThree
from windtunnel.engines import Plus

challenge = "pool-exhaustion"


class Yours(AllThree):
    async def take(self, order: int, item: int) -> None:
        async with self.turns[item], self.for_buys, asyncio.timeout(self.statement_s):
            await self.db.update("item", {"id": item}, {"stock": Plus(-1)})
        async with self.for_buys:
            await self.db.insert("sale", {"id": order, "state": "asked"})
