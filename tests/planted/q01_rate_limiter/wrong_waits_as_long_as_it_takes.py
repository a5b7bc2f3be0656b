"""It has no limit to how long it waits for the cache."""

from __future__ import annotations

from windtunnel.catalogue.interview.q01_rate_limiter import SmallWindows

challenge = "q01-rate-limiter"


class Yours(SmallWindows):
    async def ask(self, client: int, node: int) -> bool:
        return await self.decide(f"client {client}")
