"""The connection is given back in the last line, and an error passes that by."""

from __future__ import annotations

from windtunnel.catalogue.scale.pool_exhaustion import AllThree

challenge = "pool-exhaustion"


class Yours(AllThree):
    async def buy(self, order: int, item: int, work_s: float) -> None:
        place = self.for_buys
        await place.__aenter__()
        async with self.db.transaction() as t:
            await self.write(t, order, item)
        await place.__aexit__(None, None, None)
        await self.ask(order, work_s)
        async with place:
            await self.db.update("sale", {"id": order}, {"state": "paid"})
