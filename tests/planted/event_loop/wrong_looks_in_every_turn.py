"""The socket does not block, and is looked at in each turn of the loop until the answer is there."""

from __future__ import annotations

import asyncio
import socket

from windtunnel.catalogue.concurrency.event_loop.designs import Backend, Blocking

challenge = "event-loop"


class Yours(Blocking):
    async def ask(self, backend: Backend) -> bytes:
        with socket.create_connection(backend.address) as sock:
            sock.sendall(backend.question)
            sock.setblocking(False)
            while True:
                try:
                    return sock.recv(len(backend.question))
                except BlockingIOError:
                    await asyncio.sleep(0)
