"""A read that misses asks again, ten times; so does who asks for what nobody has written, and waits for nothing."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.how_stale import OneOne

challenge = "how-stale"


class Yours(OneOne):
    @process
    async def get(self, key: int, age_ms: float) -> bool:
        for _ in range(10):
            if await super().get(key, age_ms):
                return True
        return False
