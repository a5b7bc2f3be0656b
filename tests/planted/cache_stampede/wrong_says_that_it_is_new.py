"""An old value is given the time at which it was told."""

from __future__ import annotations

from windtunnel.catalogue.scale.cache_stampede import Ahead

challenge = "cache-stampede"


class Yours(Ahead):
    async def get(self, key: int, server: int) -> float:
        await super().get(key, server)
        return self.now()
