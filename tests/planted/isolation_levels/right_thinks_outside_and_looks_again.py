"""Look and think without a transaction; then look again and write, in a short one that is serializable."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.scale.isolation_levels import Serializable

challenge = "isolation-levels"


class Yours(Serializable):
    async def off(self, shift: int, doctor: int, decide_s: float) -> bool:
        await asyncio.sleep(decide_s)
        return await super().off(shift, doctor, 0.0)

    async def book(self, slot: int, room: int, guest: int, decide_s: float) -> bool:
        await asyncio.sleep(decide_s)
        return await super().book(slot, room, guest, 0.0)

    async def move(self, pair: int, hours: int, decide_s: float) -> bool:
        await asyncio.sleep(decide_s)
        return await super().move(pair, hours, 0.0)
