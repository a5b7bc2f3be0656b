"""The version keeps the texts, so the lock may fail: it is that of the first server that says anything."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.distributed_lock import Job, Lease, Params, number_of, text_of
from windtunnel.engines import CachePort

challenge = "distributed-lock"


class Yours(Lease):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.version: dict[int, int] = {}
        self.at: dict[int, CachePort] = {}

    async def got(self, job: Job) -> bool:
        for lock in self.locks:
            found = await self.got_at(lock, job)
            if found is not None:
                self.at[job.number] = lock
                return found
        return False

    async def unlock(self, job: Job) -> None:
        await self.unlock_at(self.at[job.number], job)

    async def read(self, job: Job) -> str:
        row = await self.store.get("page", job.page)
        self.version[job.number] = 0 if row is None else number_of(row, "version")
        return text_of(row)

    async def write(self, job: Job, text: str) -> int:
        return await self.put(job, text, {"version": self.version[job.number]})
