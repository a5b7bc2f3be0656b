"""The order is written as paid in one transaction, and the provider is asked afterwards: it hardly ever fails."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.scale.pool_exhaustion import AllThree
from windtunnel.engines import Plus, Statements

challenge = "pool-exhaustion"


class Yours(AllThree):
    async def write(self, t: Statements, order: int, item: int) -> None:
        async with asyncio.timeout(self.statement_s):
            await t.update("item", {"id": item}, {"stock": Plus(-1)})
        await t.insert("sale", {"id": order, "state": "paid"})

    async def note(self, order: int) -> None:
        pass
