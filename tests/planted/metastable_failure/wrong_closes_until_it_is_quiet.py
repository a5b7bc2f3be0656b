"""From the trigger on everybody is refused for ten seconds: a breaker without a probe."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.metastable_failure import BoundedQueue

challenge = "metastable-failure"


class Yours(BoundedQueue):
    @process
    async def ask(self) -> None:
        if 10.0 <= self.sim.now < 20.0:
            raise TimeoutError
        await self.call(1 / self.p.capacity)
