"""The key that everybody reads is done with care, and the others are computed for each who asks."""

from __future__ import annotations

from windtunnel.catalogue.scale.cache_stampede import HOT, Ahead

challenge = "cache-stampede"


class Yours(Ahead):
    async def get(self, key: int, server: int) -> float:
        if key == HOT:
            return await super().get(key, server)
        return (await self.computed(key)).as_of_s
