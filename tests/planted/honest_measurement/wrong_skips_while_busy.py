"""A connection that is busy sends nothing, and writes a short time down."""

from __future__ import annotations

from windtunnel import Stage, process
from windtunnel.catalogue.honest_measurement import FromTheDueTime, Params

challenge = "honest-measurement"


class Yours(FromTheDueTime):
    def __init__(self, stage: Stage, params: Params) -> None:
        super().__init__(stage, params)
        self.busy: set[int] = set()

    @process
    async def get(self, connection: int, work_s: float) -> float:
        if connection in self.busy:
            return 0.003
        self.busy.add(connection)
        start = self.sim.now
        await self.server.serve(work_s)
        self.busy.discard(connection)
        return self.sim.now - start
