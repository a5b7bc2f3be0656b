"""One pool; only half of its connections may be in a statement that locks, whichever row that is for."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.blocks.resilience import Bulkhead
from windtunnel.catalogue.scale.pool_exhaustion import GivenBack, Params

challenge = "pool-exhaustion"


class Yours(GivenBack):
    statement_s = 0.2

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.lockers = Bulkhead(max(1, p.pool // 2), queue_limit=10**6, wait_s=p.wait_s)

    async def take(self, order: int, item: int) -> None:
        async with self.lockers:
            await super().take(order, item)
