"""Ten tenths are a window, so the one of which a part is still within it is left out."""

from __future__ import annotations

from windtunnel.catalogue.interview.q01_rate_limiter import TAKE, SmallWindows

challenge = "q01-rate-limiter"


class Yours(SmallWindows):
    async def decide(self, key: str) -> bool:
        return bool(await self.cache.run(TAKE, [key], (self.p.limit, self.p.window_s / 10, 9)))
