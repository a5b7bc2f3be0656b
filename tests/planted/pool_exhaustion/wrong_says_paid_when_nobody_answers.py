"""Whoever is not answered in time is told that it has worked: the provider will surely get to it."""

from __future__ import annotations

from contextlib import suppress

from windtunnel.catalogue.scale.pool_exhaustion import AllThree

challenge = "pool-exhaustion"


class Yours(AllThree):
    async def buy(self, order: int, item: int, work_s: float) -> None:
        async with self.for_buys, self.db.transaction() as t:
            await self.write(t, order, item)
        with suppress(TimeoutError):
            await self.ask(order, work_s)
        async with self.for_buys:
            await self.db.update("sale", {"id": order}, {"state": "paid"})
