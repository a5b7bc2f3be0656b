"""Turns for each row, and all but one of the connections for what locks, so that reads find the last one."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.blocks.resilience import Bulkhead
from windtunnel.catalogue.scale.pool_exhaustion import AllThree, Params

challenge = "pool-exhaustion"


class Yours(AllThree):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.lockers = Bulkhead(max(1, p.pool - 1), queue_limit=10**6, wait_s=p.wait_s)

    async def take(self, order: int, item: int) -> None:
        async with self.turns[item], self.lockers, self.for_buys, self.db.transaction() as t:
            await self.write(t, order, item)
