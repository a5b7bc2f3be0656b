"""A bounded queue that refuses, workers in a task group, and each order waits for its own answer."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from windtunnel.catalogue.concurrency.bounded_work import WORKERS, Tasks, TurnedAway
from windtunnel.engines import Conflict

challenge = "bounded-work"


class Yours(Tasks):
    def boot(self) -> None:
        super().boot()
        self.queue: asyncio.Queue[tuple[int, float, asyncio.Future[None]]] = asyncio.Queue()
        self.begin(self.workers)

    async def workers(self) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(self.work())

    async def work(self) -> None:
        while True:
            number, work_s, answer = await self.queue.get()
            try:
                await self.backend.serve(work_s)
                with suppress(Conflict):  # it was killed when the row was written, and is asked again
                    await self.db.insert("done", {"id": number})
            except Exception as error:
                if not answer.done():
                    answer.set_exception(error)
            else:
                if not answer.done():
                    answer.set_result(None)

    async def take(self, number: int, work_s: float) -> None:
        if len(self.requests) > WORKERS + self.p.places:
            raise TurnedAway
        answer = asyncio.get_running_loop().create_future()
        self.queue.put_nowait((number, work_s, answer))
        await answer

    async def drained(self) -> None:
        if self.requests:
            await asyncio.wait(self.requests)
