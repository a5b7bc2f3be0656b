"""Each request is given the mean so far: the noise is gone, and so are the users."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.honest_measurement import FromTheDueTime

challenge = "honest-measurement"


class Yours(FromTheDueTime):
    total = 0.0
    count = 0

    @process
    async def get(self, connection: int, work_s: float) -> float:
        took_s = await super().get(connection, work_s)
        self.total += took_s  # not in one line: that would read the sum before it waits, and lose what others add
        self.count += 1
        return self.total / self.count
