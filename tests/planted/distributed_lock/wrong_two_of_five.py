"""Redlock with fsync and a look at the clock, and two servers are thought to be a majority of five."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from windtunnel import Stage
from windtunnel.catalogue.scale.distributed_lock import Job, Params, Redlock

challenge = "distributed-lock"


class Yours(Redlock):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, replace(p, durable=1))

    async def got(self, job: Job) -> bool:
        answers = await asyncio.gather(*(self.got_at(lock, job) for lock in self.locks))
        self.until_s[job.number] = asyncio.get_running_loop().time() + self.p.lease_s
        if answers.count(True) >= 2:
            return True
        await self.unlock(job)
        return False
