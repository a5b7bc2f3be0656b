"""A second cache for when the first one is dead, which there is not."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.interview.q01_rate_limiter import TAKE, Params, SmallWindows

challenge = "q01-rate-limiter"


class Yours(SmallWindows):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.other = stage.cache("other cache", connections=200)

    async def decide(self, key: str) -> bool:
        try:
            return await super().decide(key)
        except OSError:
            return bool(await self.other.run(TAKE, [key], [self.p.limit, self.p.window_s / 10, 10]))
