"""No retries, but who has waited for a fifth of the patience asks again beside the first."""

from __future__ import annotations

from windtunnel import process
from windtunnel.catalogue.scale.metastable_failure import ThreeRetries

challenge = "metastable-failure"


class Yours(ThreeRetries):
    @process
    async def ask(self) -> None:
        either = self.sim.signal()
        for share in (0.2, 0.8):
            self.attempts += 1
            job = self.send(1 / self.p.capacity)
            job.add_done_callback(lambda ended: either.done() or ended.exception() or either.set())
            if await either.within(share * self.p.patience_s):
                return
        raise TimeoutError
