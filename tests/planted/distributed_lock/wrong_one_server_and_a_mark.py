"""The mark keeps every text, so one lock server will do; when it is out of reach nobody edits anything."""

from __future__ import annotations

from windtunnel.catalogue.scale.distributed_lock import Job, Lease, text_of

challenge = "distributed-lock"


class Yours(Lease):
    async def read(self, job: Job) -> str:
        rows = await self.store.update_returning("page", {"id": job.page}, {"token": job.number})
        return text_of(rows[0])

    async def write(self, job: Job, text: str) -> int:
        return await self.put(job, text, {"token": job.number})
