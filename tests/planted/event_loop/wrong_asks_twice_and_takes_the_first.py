"""Two are asked and the first answer counts, so that one slow call delays nobody."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.concurrency.event_loop.designs import Backend, NonBlocking

challenge = "event-loop"


class Yours(NonBlocking):
    async def ask(self, backend: Backend) -> bytes:
        both = [asyncio.ensure_future(super(Yours, self).ask(backend)) for _ in range(2)]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        first, second = both
        return await (first if first.done() else second)
