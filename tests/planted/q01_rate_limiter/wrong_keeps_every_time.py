"""The exact log, and a node's share where nobody answers: what it takes in memory was not asked."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.blocks.resilience import SlidingLog
from windtunnel.catalogue.interview.q01_rate_limiter import Params, SmallWindows
from windtunnel.parts import SharedLimiter

challenge = "q01-rate-limiter"


class Yours(SmallWindows):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.shared = SharedLimiter(self.cache, SlidingLog(p.limit, p.window_s))

    async def decide(self, key: str) -> bool:
        may = (await self.shared.take(key)).allowed
        if may:
            self.own.take(key)
        return may
