"""What took longer than 1.3 seconds is thought to be an error of the clock."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.honest_measurement import FromTheDueTime

challenge = "honest-measurement"


class Yours(FromTheDueTime):
    @process
    async def get(self, connection: int, work_s: float) -> float:
        return min(await super().get(connection, work_s), 1.3)
