"""Calls that come together are one: who comes while it is under way gets its answer."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.concurrency.event_loop.designs import Backend, NonBlocking

challenge = "event-loop"


class Yours(NonBlocking):
    under_way: asyncio.Task[bytes] | None = None

    async def ask(self, backend: Backend) -> bytes:
        if self.under_way is None or self.under_way.done():
            self.under_way = asyncio.get_running_loop().create_task(super().ask(backend))
        return await asyncio.shield(self.under_way)
