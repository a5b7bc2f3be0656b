"""The loop makes the call itself, by the streams of asyncio."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.concurrency.event_loop.designs import Backend, Blocking

challenge = "event-loop"


class Yours(Blocking):
    async def ask(self, backend: Backend) -> bytes:
        reader, writer = await asyncio.open_connection(*backend.address)
        writer.write(backend.question)
        answer = await reader.readexactly(len(backend.question))
        writer.close()
        return answer
