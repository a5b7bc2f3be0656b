"""Two programs that edit, as a real one runs more than once: what one remembers keeps nobody of the other out."""

from __future__ import annotations

from collections.abc import Mapping

from windtunnel import Stage
from windtunnel.catalogue.scale.distributed_lock.pages import Pages, Setting
from windtunnel.parts import programs


class Programs:
    """Each serves every other worker of a page."""

    def __init__(self, design: Pages, stage: Stage, p: Setting) -> None:
        self.design = design
        self.all = programs(design, stage, design.desk)

    async def start(self) -> None:
        for program in self.all:
            await program.start()

    async def save(self, number: int, page: int, worker: int, work_s: float, stops_s: float, stop_s: float) -> int:
        """The request, at the program of its worker."""
        return await self.all[worker % len(self.all)].save(number, page, worker, work_s, stops_s, stop_s)

    async def report(self) -> Mapping[str, object]:
        """What the first one says, with the commands of all."""
        return {**await self.design.report(), "asked": sum(program.asked for program in self.all)}
