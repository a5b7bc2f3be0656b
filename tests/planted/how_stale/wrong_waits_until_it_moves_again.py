"""It reads all copies, and is so patient that one which stands still for a minute is waited for."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.how_stale import ReadAll
from windtunnel.parts import first_answers

challenge = "how-stale"


class Yours(ReadAll):
    @process
    async def get(self, key: int, age_ms: float) -> bool:
        return any(await first_answers(self.reader, self.copies, self.reads, "has", key, within_s=100.0))
