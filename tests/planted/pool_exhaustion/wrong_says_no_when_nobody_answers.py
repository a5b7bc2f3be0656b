"""Whoever is not answered in time is told that nothing has happened, and the provider gets to it afterwards."""

from __future__ import annotations

from windtunnel.blocks.resilience import BulkheadFull
from windtunnel.catalogue.scale.pool_exhaustion import AllThree

challenge = "pool-exhaustion"


class Yours(AllThree):
    async def ask(self, order: int, work_s: float) -> None:
        try:
            await super().ask(order, work_s)
        except TimeoutError:
            raise BulkheadFull("Please try again later.") from None
