"""What was written stays in the library of whoever writes, and reads are answered from there."""

from __future__ import annotations

from windtunnel import Stage, process
from windtunnel.catalogue.scale.how_stale import OneOne, Params

challenge = "how-stale"


class Yours(OneOne):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.written: set[int] = set()

    @process
    async def put(self, key: int) -> None:
        await super().put(key)
        self.written.add(key)

    @process
    async def get(self, key: int, age_ms: float) -> bool:
        return key in self.written or await super().get(key, age_ms)
