"""While more are inside than there are workers each gets a tenth of its work, and an answer."""

from __future__ import annotations

from windtunnel.catalogue.scale.death_spiral import LineOutside
from windtunnel.catalogue.scale.death_spiral.judging import WORKERS

challenge = "death-spiral"


class Yours(LineOutside):
    async def handle(self, work_s: float) -> None:
        await super().handle(work_s / 10 if self.admitted > WORKERS else work_s)
