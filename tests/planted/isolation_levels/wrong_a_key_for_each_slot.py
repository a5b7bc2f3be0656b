"""The slot is the key of its booking, so that it can be there once: the other room is free, and taken."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from windtunnel.catalogue.scale.isolation_levels import Constraint
from windtunnel.catalogue.scale.isolation_levels.stepping import Speaks
from windtunnel.engines import Conflict

challenge = "isolation-levels"


class Yours(Constraint):
    async def book(self, slot: int, room: int, guest: int, decide_s: float) -> bool:
        taken = await self.again("book", lambda t: t.select("booking", {"slot": slot, "room": room}))
        await asyncio.sleep(decide_s)

        async def work(t: Speaks) -> bool:
            await t.insert("booking", {"id": slot, "slot": slot, "room": room, "guest": guest})
            return True

        with suppress(Conflict):
            return not taken and await self.again("book", work)
        return False
