"""The bell is rung first and the job added then: who hears it looks, finds nothing, and waits for the next bell."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.primitives import Fitted, Jobs

challenge = "primitives"


class Yours(Fitted):
    async def announce(self, jobs: Jobs, job: str) -> None:
        await self.rung.set()
        await jobs.add(job)
