"""The generator wakes ten times a second and sends what is due by then: its own sleep is told as the server's time."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.honest_measurement import FromTheDueTime

challenge = "honest-measurement"


class Yours(FromTheDueTime):
    @process
    async def get(self, connection: int, work_s: float) -> float:
        due = self.now()
        await self.sim.sleep(0.1 - due % 0.1)
        await super().get(connection, work_s)
        return self.now() - due
