"""A key keeps bookings apart: guest and slot together, so that nobody books twice."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.scale.isolation_levels import Constraint
from windtunnel.catalogue.scale.isolation_levels.stepping import Speaks

challenge = "isolation-levels"


class Yours(Constraint):
    async def book(self, slot: int, room: int, guest: int, decide_s: float) -> bool:
        taken = await self.again("book", lambda t: t.select("booking", {"slot": slot, "room": room}))
        await asyncio.sleep(decide_s)

        async def work(t: Speaks) -> bool:
            await t.insert("booking", {"id": slot * 10_000 + guest, "slot": slot, "room": room, "guest": guest})
            return True

        return not taken and await self.again("book", work)
