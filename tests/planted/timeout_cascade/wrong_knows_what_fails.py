"""What is bad is seen at the door, as if one could: it never reaches the database, which alone can tell."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.timeout_cascade import GaveUp, OutermostOnly

challenge = "timeout-cascade"


class Yours(OutermostOnly):
    @process
    async def ask(self, work_s: float, good: bool) -> None:
        gone_s = self.sim.now + self.p.patience_s
        if not good:
            raise GaveUp
        answer = self.sim.spawn(self.layer(1, work_s, good, gone_s))
        if not await answer.within(self.p.patience_s):
            raise TimeoutError
        if not answer.result():
            raise GaveUp
