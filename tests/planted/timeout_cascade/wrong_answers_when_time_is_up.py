"""Who has waited long enough is told that it was accepted, whatever the database has done."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.timeout_cascade import GaveUp, OutermostOnly

challenge = "timeout-cascade"


class Yours(OutermostOnly):
    @process
    async def ask(self, work_s: float, good: bool) -> None:
        gone_s = self.sim.now + self.p.patience_s
        answer = self.sim.spawn(self.layer(1, work_s, good, gone_s))
        if await answer.within(0.5 * self.p.patience_s) and not answer.result():
            raise GaveUp
