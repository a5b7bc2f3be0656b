"""Only what writes has to be serializable; a report only reads."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.scale.isolation_levels import Serializable

challenge = "isolation-levels"


class Yours(Serializable):
    async def total(self, pair: int, decide_s: float) -> int:
        async with self.db.transaction() as t:
            first = await self.hours(t, 2 * pair)
            await asyncio.sleep(decide_s)
            return first + await self.hours(t, 2 * pair + 1)
