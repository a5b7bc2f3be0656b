"""What blocks is called in a pool that has a thread for each call that may come at once."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from windtunnel.catalogue.concurrency.event_loop.designs import Backend, Blocking

challenge = "event-loop"


class Yours(Blocking):
    def __init__(self, *surroundings: object) -> None:
        super().__init__(*surroundings)
        self.pool = ThreadPoolExecutor(64)

    async def ask(self, backend: Backend) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self.pool, backend.call)
