"""Limits the rate, to a quarter more than usually comes, in the place of how many are inside."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.death_spiral import Params, Unbounded

challenge = "death-spiral"
PER_S, AT_ONCE = 40, 20


class Yours(Unbounded):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.tokens, self.at = float(AT_ONCE), 0.0

    async def enter(self) -> None:
        now = self.now_s()
        self.tokens, self.at = min(AT_ONCE, self.tokens + (now - self.at) * PER_S), now
        if self.tokens < 1:
            raise Refused("Too many come.")
        self.tokens -= 1
        await super().enter()
