"""A node that got no answer once asks the cache no more."""

from __future__ import annotations

from windtunnel.catalogue.interview.q01_rate_limiter import SmallWindows

challenge = "q01-rate-limiter"


class Yours(SmallWindows):
    async def decide(self, key: str) -> bool:
        if self.silent_until_s:
            return self.alone(key)
        return await super().decide(key)
