"""The signals are counted in an object beside the event, which no lock guards: counting looks like one step."""

from __future__ import annotations

from typing import Any

from windtunnel.catalogue.concurrency.primitives import Fitted, Jobs

challenge = "primitives"


class _Count:
    def __init__(self) -> None:
        self.rung = 0


class Yours(Fitted):
    def bell(self, kit: Any) -> None:
        super().bell(kit)
        self.count = _Count()

    async def announce(self, jobs: Jobs, job: str) -> None:
        await jobs.add(job)
        self.count.rung += 1
        await self.rung.set()
