"""The answer is known beforehand, so it is given at once and the backend is asked behind it."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.concurrency.event_loop.designs import Backend, NonBlocking

challenge = "event-loop"


class Yours(NonBlocking):
    def __init__(self, *surroundings: object) -> None:
        super().__init__(*surroundings)
        self.later = set[asyncio.Task[bytes]]()

    async def ask(self, backend: Backend) -> bytes:
        asking = asyncio.get_running_loop().create_task(super().ask(backend))
        self.later.add(asking)
        asking.add_done_callback(self.later.discard)
        return backend.question.replace(b"call", b"done")
