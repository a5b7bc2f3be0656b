"""Any free connection carries the next request."""

from __future__ import annotations

from collections import deque
from typing import Any

from windtunnel import Stage, process
from windtunnel.catalogue.honest_measurement import FromTheDueTime, Params

challenge = "honest-measurement"


class Yours(FromTheDueTime):
    def __init__(self, stage: Stage, params: Params) -> None:
        super().__init__(stage, params)
        self.free = params.connections
        self.waiting: deque[Any] = deque()

    @process
    async def get(self, connection: int, work_s: float) -> float:
        due = self.now()
        if self.free:
            self.free -= 1
        else:
            turn = self.signal()
            self.waiting.append(turn)
            await turn
        await self.server.serve(work_s)
        if self.waiting:
            self.waiting.popleft().set()
        else:
            self.free += 1
        return self.now() - due
