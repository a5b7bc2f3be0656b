"""Redlock, and the store gives each reader a number, the next, and takes a text from the last one alone."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.distributed_lock import Job, Params, Redlock, number_of, text_of
from windtunnel.engines import Plus

challenge = "distributed-lock"


class Yours(Redlock):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.token: dict[int, int] = {}

    async def read(self, job: Job) -> str:
        rows = await self.store.update_returning("page", {"id": job.page}, {"token": Plus(1)})
        self.token[job.number] = number_of(rows[0], "token")
        return text_of(rows[0])

    async def write(self, job: Job, text: str) -> int:
        return await self.put(job, text, {"token": self.token[job.number]})
