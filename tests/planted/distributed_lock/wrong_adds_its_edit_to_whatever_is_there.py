"""Where the page has changed meanwhile its edit is put behind the new text, on which nobody has worked."""

from __future__ import annotations

from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.distributed_lock import Fenced, Job, added, number_of, text_of

challenge = "distributed-lock"


class Yours(Fenced):
    async def write(self, job: Job, text: str) -> int:
        while True:
            row = await self.store.get("page", job.page)
            if row is None:
                raise Refused("There is no such page.")
            if text_of(row) + " " != text[: len(text_of(row)) + 1]:
                text = added(text_of(row), job.number)
            try:
                return await self.put(job, text, {"version": number_of(row, "version")})
            except Refused:
                continue
