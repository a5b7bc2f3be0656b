"""Times are whole milliseconds, and the median is off by a third."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.honest_measurement import FromTheDueTime

challenge = "honest-measurement"


class Yours(FromTheDueTime):
    @process
    async def get(self, connection: int, work_s: float) -> float:
        return int(await super().get(connection, work_s) * 1000) / 1000
