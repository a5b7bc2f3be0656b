"""A lock in the program, one for each shift, slot and pair: nobody else writes there."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from windtunnel import Stage
from windtunnel.catalogue.scale.isolation_levels import Params, ReadCommitted

challenge = "isolation-levels"


class Yours(ReadCommitted):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.held: defaultdict[tuple[str, int], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def off(self, shift: int, doctor: int, decide_s: float) -> bool:
        async with self.held["shift", shift]:
            return await super().off(shift, doctor, decide_s)

    async def book(self, slot: int, room: int, guest: int, decide_s: float) -> bool:
        async with self.held["slot", slot]:
            return await super().book(slot, room, guest, decide_s)

    async def move(self, pair: int, hours: int, decide_s: float) -> bool:
        async with self.held["pair", pair]:
            return await super().move(pair, hours, decide_s)

    async def total(self, pair: int, decide_s: float) -> int:
        async with self.held["pair", pair]:
            return await super().total(pair, decide_s)
