"""Each request asks the cache and waits as long as it may, though none was answered before."""

from __future__ import annotations

from windtunnel.catalogue.interview.q01_rate_limiter import SmallWindows

challenge = "q01-rate-limiter"


class Yours(SmallWindows):
    async def decide(self, key: str) -> bool:
        self.silent_until_s = 0.0
        return await super().decide(key)
