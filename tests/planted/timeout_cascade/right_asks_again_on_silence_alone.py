"""The outermost layer asks again where nobody answered; an error is an answer, and final."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.timeout_cascade import GaveUp, OutermostOnly
from windtunnel.sim import Dropped

challenge = "timeout-cascade"


class Yours(OutermostOnly):
    @process
    async def ask(self, work_s: float, good: bool) -> None:
        gone_s = self.sim.now + self.p.patience_s
        luck = self.stage.luck("answers")
        for _ in range(self.p.attempts):
            wait_s = min(self.p.limit_s, gone_s - self.sim.now)
            if wait_s <= 0:
                break
            until = self.sim.now + wait_s
            self.calls += self.p.layers
            self.queries += 1
            try:
                job = self.database.serve(work_s, deadline=until - work_s)
            except ConnectionError:
                await self.sim.sleep(wait_s)
                continue
            ways = [self.p.lost, *[self.p.lost_above] * (self.p.layers - 1)]
            heard = all(luck.random() >= share for share in ways)
            if await job.within(wait_s) and heard and not isinstance(job.exception(), Dropped):
                if job.exception() is None and good:
                    return
                raise GaveUp
            if self.sim.now < until:
                await self.sim.sleep(until - self.sim.now)
        raise TimeoutError
