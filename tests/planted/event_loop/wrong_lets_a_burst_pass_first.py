"""Who comes in a burst waits a little, until it is over."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.concurrency.event_loop.designs import Backend, NonBlocking

challenge = "event-loop"


class Yours(NonBlocking):
    async def ask(self, backend: Backend) -> bytes:
        await asyncio.sleep(0.25)
        return await super().ask(backend)
