"""The token has no time of its own, and whoever dies with it takes it along."""

from __future__ import annotations

from windtunnel.catalogue.scale.cache_stampede import Ahead, Copy

challenge = "cache-stampede"


class Yours(Ahead):
    async def miss(self, key: int, server: int, old: Copy | None) -> Copy:
        mine = str(self.stage.request)
        while not await self.cache.set(f"token {key}", mine, absent=True):
            found = await self.instead(key, old)
            if found is not None:
                return found
        return await self.holding(key, mine, old)
