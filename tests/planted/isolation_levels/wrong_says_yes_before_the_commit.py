"""The rule has been looked at, so the user need not wait for the disk."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.scale.isolation_levels import Constraint

challenge = "isolation-levels"


class Yours(Constraint):
    async def book(self, slot: int, room: int, guest: int, decide_s: float) -> bool:
        taken = await self.again("book", lambda t: t.select("booking", {"slot": slot, "room": room}))
        await asyncio.sleep(decide_s)
        if not taken:
            self.later = asyncio.create_task(super().book(slot, room, guest, 0.0))
        return not taken
