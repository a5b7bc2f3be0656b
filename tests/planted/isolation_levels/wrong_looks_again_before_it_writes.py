"""Look once more right before the write: the window is too small for anybody to come between."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.scale.isolation_levels import ReadCommitted

challenge = "isolation-levels"


class Yours(ReadCommitted):
    async def off(self, shift: int, doctor: int, decide_s: float) -> bool:
        await asyncio.sleep(decide_s)
        return await super().off(shift, doctor, 0.0)

    async def book(self, slot: int, room: int, guest: int, decide_s: float) -> bool:
        await asyncio.sleep(decide_s)
        return await super().book(slot, room, guest, 0.0)

    async def move(self, pair: int, hours: int, decide_s: float) -> bool:
        await asyncio.sleep(decide_s)
        return await super().move(pair, hours, 0.0)
