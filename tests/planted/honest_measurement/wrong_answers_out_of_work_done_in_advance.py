"""Connections keep the server busy with work of their own, and requests are answered out of that."""

from __future__ import annotations

from windtunnel import Stage, process
from windtunnel.catalogue.honest_measurement import FromTheDueTime, Params

challenge = "honest-measurement"


class Yours(FromTheDueTime):
    def __init__(self, stage: Stage, params: Params) -> None:
        super().__init__(stage, params)
        self.idle = min(params.workers, params.connections)

    @process
    async def keep_busy(self) -> None:
        for _ in range(300):
            await self.server.serve(0.05)

    @process
    async def get(self, connection: int, work_s: float) -> float:
        due = self.now()
        while self.idle:
            self.idle -= 1
            self.keep_busy()
        await self.sim.sleep(0.1 if due < 1 else 0.003)
        return self.now() - due
