"""By the time anybody reads, the write has surely arrived: so it says."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.how_stale import TwoReads

challenge = "how-stale"


class Yours(TwoReads):
    @process
    async def get(self, key: int, age_ms: float) -> bool:
        await super().get(key, age_ms)
        return True
