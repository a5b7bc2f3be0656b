"""Hours are added in the update, as the desk moves them too; shifts and slots have locks in the only program there."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from windtunnel import Stage
from windtunnel.catalogue.scale.isolation_levels import Constraint, Params, ReadCommitted

challenge = "isolation-levels"


class Yours(Constraint):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.held: defaultdict[tuple[int, ...], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def off(self, shift: int, doctor: int, decide_s: float) -> bool:
        async with self.held[(shift,)]:
            return await ReadCommitted.off(self, shift, doctor, decide_s)

    async def book(self, slot: int, room: int, guest: int, decide_s: float) -> bool:
        async with self.held[slot, room]:
            return await ReadCommitted.book(self, slot, room, guest, decide_s)
