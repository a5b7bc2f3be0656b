"""The answer is given at once, and the work is done when there is time."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.death_spiral import LineOutside

challenge = "death-spiral"


class Yours(LineOutside):
    @process
    async def ask(self, work_s: float) -> None:
        await self.enter()
        self.sim.spawn(self.handle(work_s))
