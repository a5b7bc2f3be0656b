"""It waits for a copy to answer, and says yes to whatever looks like a key that somebody writes."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.how_stale import OneOne

challenge = "how-stale"


class Yours(OneOne):
    @process
    async def get(self, key: int, age_ms: float) -> bool:
        await super().get(key, age_ms)
        return key >= 0
