"""Who announces a job notes it in a default argument, for a log: all threads write to it, and no lock guards that."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.primitives import Fitted, Jobs

challenge = "primitives"


class Yours(Fitted):
    async def announce(self, jobs: Jobs, job: str, known: list[str] = []) -> None:  # noqa: B006  # the mistake
        await jobs.add(job)
        known.append(job)
        await self.rung.set()
