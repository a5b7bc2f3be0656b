"""Two programs that are asked by turns: what one remembers, a lock of its own say, keeps nobody of the other out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.scale.isolation_levels.designs import ReadCommitted
from windtunnel.catalogue.scale.isolation_levels.judging import Setting
from windtunnel.parts import programs


class Programs:
    """Each answers every other request; the first one runs the scripts of the matrix."""

    def __init__(self, design: ReadCommitted, stage: Stage, p: Setting) -> None:
        self.design = design
        self.stage = stage
        self.all = programs(design, stage)

    async def start(self) -> None:
        for program in self.all:
            await program.start()

    @property
    def turn(self) -> ReadCommitted:
        """Whose turn it is."""
        return self.all[self.stage.request % len(self.all)]

    async def off(self, shift: int, doctor: int, decide_s: float) -> bool:
        return await self.turn.off(shift, doctor, decide_s)

    async def book(self, slot: int, room: int, guest: int, decide_s: float) -> bool:
        return await self.turn.book(slot, room, guest, decide_s)

    async def move(self, pair: int, hours: int, decide_s: float) -> bool:
        return await self.turn.move(pair, hours, decide_s)

    async def total(self, pair: int, decide_s: float) -> int:
        return await self.turn.total(pair, decide_s)

    async def cell(self, name: str) -> Sequence[Mapping[str, Any]]:
        return await self.design.cell(name)

    async def report(self) -> Mapping[str, object]:
        """What the first one says, with the rollbacks of all."""
        rolled_back: Counter[str] = Counter()
        for program in self.all:
            rolled_back += program.rolled_back
        return {**await self.design.report(), "rolled_back": dict(rolled_back)}
