"""A write that waits for ten more milliseconds is everywhere; and every write waits."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.how_stale import OneOne

challenge = "how-stale"


class Yours(OneOne):
    @process
    async def put(self, key: int) -> None:
        await super().put(key)
        await self.sim.sleep(0.01)
