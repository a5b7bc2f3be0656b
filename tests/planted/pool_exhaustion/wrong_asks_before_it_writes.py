"""The provider is asked first, without a connection and without a row that would tell of it."""

from __future__ import annotations

from windtunnel.catalogue.scale.pool_exhaustion import AllThree

challenge = "pool-exhaustion"


class Yours(AllThree):
    async def buy(self, order: int, item: int, work_s: float) -> None:
        await self.ask(order, work_s)
        await self.take(order, item)
        await self.note(order)
