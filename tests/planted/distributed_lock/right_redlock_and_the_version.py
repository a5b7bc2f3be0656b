"""Redlock, and the text is taken where the page has the version that was read."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.distributed_lock import Job, Params, Redlock, number_of, text_of

challenge = "distributed-lock"


class Yours(Redlock):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.version: dict[int, int] = {}

    async def read(self, job: Job) -> str:
        row = await self.store.get("page", job.page)
        self.version[job.number] = 0 if row is None else number_of(row, "version")
        return text_of(row)

    async def write(self, job: Job, text: str) -> int:
        return await self.put(job, text, {"version": self.version[job.number]})
