"""The error of the database is logged, and the user is told that all went well."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.timeout_cascade import GaveUp, OutermostOnly

challenge = "timeout-cascade"


class Yours(OutermostOnly):
    @process
    async def ask(self, work_s: float, good: bool) -> None:
        gone_s = self.sim.now + self.p.patience_s
        answer = self.sim.spawn(self.layer(1, work_s, good, gone_s))
        if not await answer.within(self.p.patience_s):
            raise TimeoutError
        if good and not answer.result():
            raise GaveUp
