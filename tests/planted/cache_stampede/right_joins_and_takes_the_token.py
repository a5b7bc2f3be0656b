"""Each server joins what it has under way, and one server alone has the token, before the value expires."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.blocks.caching import SingleFlight
from windtunnel.catalogue.scale.cache_stampede import Ahead, Copy, Params

challenge = "cache-stampede"


class Yours(Ahead):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.flights: list[SingleFlight[int, Copy]] = [SingleFlight() for _ in range(p.servers)]

    async def miss(self, key: int, server: int, old: Copy | None) -> Copy:
        missed = super().miss
        return await self.flights[server].do(key, lambda: missed(key, server, old))
