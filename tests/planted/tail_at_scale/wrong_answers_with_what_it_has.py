"""What is late is left out of the answer, and the answer does not say so."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel import process
from windtunnel.catalogue.scale.tail_at_scale import Gathering, TiedHedge, measures

challenge = "tail-at-scale"


class Yours(TiedHedge):
    @process
    async def ask(self, calls: Sequence[measures.Call]) -> int:
        gathering = Gathering(self, calls)
        await self.sim.sleep(self.delay_s())
        return len(gathering.calls)
