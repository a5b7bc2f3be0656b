"""To save messages a read goes to two copies alone: one that stands still is waited for."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.how_stale import PATIENCE_S, TwoReads
from windtunnel.parts import first_answers

challenge = "how-stale"


class Yours(TwoReads):
    @process
    async def get(self, key: int, age_ms: float) -> bool:
        two = self.copies[: self.reads]
        return any(await first_answers(self.reader, two, self.reads, "has", key, within_s=PATIENCE_S))
