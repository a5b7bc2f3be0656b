"""Where the store refuses the text the user is told that it is stored: somebody else's newer one is, after all."""

from __future__ import annotations

from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.distributed_lock import Fenced, Job

challenge = "distributed-lock"


class Yours(Fenced):
    async def write(self, job: Job, text: str) -> int:
        try:
            return await super().write(job, text)
        except Refused:
            return 0
