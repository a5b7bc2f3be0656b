"""While the first one stalls a second server answers, and the stall is not measured."""

from __future__ import annotations

from typing import Any

from windtunnel import Stage, process
from windtunnel.catalogue.honest_measurement import FromTheDueTime, Params

challenge = "honest-measurement"


class Yours(FromTheDueTime):
    def __init__(self, stage: Stage, params: Params) -> None:
        super().__init__(stage, params)
        self.other: Any = stage.server("other", workers=params.connections)

    @process
    async def get(self, connection: int, work_s: float) -> float:
        start = self.sim.now
        await (self.server if self.server.inside < 3 else self.other).serve(work_s)
        return self.sim.now - start
