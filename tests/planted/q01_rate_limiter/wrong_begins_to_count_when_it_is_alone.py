"""A node's own share is counted from when the cache is dead, and what it let through right before is forgotten."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.interview.q01_rate_limiter import SmallWindows

challenge = "q01-rate-limiter"


class Yours(SmallWindows):
    async def decide(self, key: str) -> bool:
        clock, part_s = asyncio.get_running_loop().time, self.p.window_s / 10
        if clock() < self.silent_until_s:
            return self.alone(key)
        try:
            return bool(await self.cache.run(self.script, [key], (self.p.limit, part_s, 10)))
        except (OSError, asyncio.CancelledError):
            self.silent_until_s = clock() + part_s
            raise
