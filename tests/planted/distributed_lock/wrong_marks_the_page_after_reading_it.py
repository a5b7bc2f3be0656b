"""Reads the page and marks it then: who is stopped between the two marks what it has not read."""

from __future__ import annotations

from windtunnel.catalogue.scale.distributed_lock import Fenced, Job, text_of

challenge = "distributed-lock"


class Yours(Fenced):
    async def read(self, job: Job) -> str:
        text = text_of(await self.store.get("page", job.page))
        await self.store.update("page", {"id": job.page}, {"token": job.number})
        return text
