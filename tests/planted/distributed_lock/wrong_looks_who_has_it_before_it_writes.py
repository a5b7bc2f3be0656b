"""Before it writes it asks the lock server whether the lock is still its own, and what is on its way does not know."""

from __future__ import annotations

from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.distributed_lock import Job, Lease, key

challenge = "distributed-lock"


class Yours(Lease):
    async def write(self, job: Job, text: str) -> int:
        if await self.ask(self.locks[0].get(key(job))) != self.value(job):
            raise Refused("Somebody else has the lock.")
        return await super().write(job, text)
