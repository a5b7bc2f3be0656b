"""A pool of its own makes the call, and the coroutine waits for its result."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from windtunnel.catalogue.concurrency.event_loop.designs import Backend, Blocking

challenge = "event-loop"


class Yours(Blocking):
    async def ask(self, backend: Backend) -> bytes:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(backend.call).result()
