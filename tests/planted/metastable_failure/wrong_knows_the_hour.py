"""The trigger's second and length are known, and as long as it lasts nobody is let in."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.metastable_failure import TRIGGER_AT_S, ThreeRetries

challenge = "metastable-failure"


class Yours(ThreeRetries):
    @process
    async def ask(self) -> None:
        if TRIGGER_AT_S <= self.sim.now < TRIGGER_AT_S + self.p.trigger_s:
            raise TimeoutError
        await self.call(1 / self.p.capacity)
