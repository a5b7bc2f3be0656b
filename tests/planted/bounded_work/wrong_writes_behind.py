"""Says yes when the backend has worked, and leaves the row to a task of its own: only the write is behind."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from windtunnel.catalogue.concurrency.bounded_work import Structured
from windtunnel.engines import Conflict

challenge = "bounded-work"


class Yours(Structured):
    async def carry_out(self, number: int, work_s: float) -> None:
        async with self.slots:
            self.asked.append(number)
            self.inside += 1
            self.at_backend = max(self.at_backend, self.inside)
            try:
                await self.backend.serve(work_s)
            finally:
                self.inside -= 1
        self.begin(self.write, number)

    async def write(self, number: int) -> None:
        with suppress(Conflict, ConnectionError):
            await self.db.insert("done", {"id": number})
            self.done.append((number, self.now() - self.began))

    async def drained(self) -> None:
        if self.requests:
            await asyncio.wait(self.requests)
        if self.tasks:
            await asyncio.wait(self.tasks)
