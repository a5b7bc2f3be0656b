"""Who finds nothing and does not get the token is sent away, so that no crowd waits where the cache is empty."""

from __future__ import annotations

from windtunnel.blocks.resilience import BulkheadFull
from windtunnel.catalogue.scale.cache_stampede import Ahead, Copy

challenge = "cache-stampede"


class Yours(Ahead):
    async def instead(self, key: int, old: Copy | None) -> Copy | None:
        if old is None:
            raise BulkheadFull("Please try again later.")
        return old
