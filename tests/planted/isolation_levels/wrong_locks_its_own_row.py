"""Lock the row that I am going to write, and the room; whoever else writes it has to wait."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.scale.isolation_levels import Constraint, ParentLock
from windtunnel.catalogue.scale.isolation_levels.stepping import Speaks

challenge = "isolation-levels"


class Yours(ParentLock):
    total = Constraint.total

    async def off(self, shift: int, doctor: int, decide_s: float) -> bool:
        async def work(t: Speaks) -> bool:
            await t.get("doctor", doctor, lock=True)
            on = 0
            for one in range(shift * self.p.people, (shift + 1) * self.p.people):
                row = await t.get("doctor", one)
                on += row is not None and row["on_call"] == 1
            await asyncio.sleep(decide_s)
            if on < 2:
                return False
            await t.update("doctor", {"id": doctor}, {"on_call": 0})
            return True

        return await self.again("off", work)
