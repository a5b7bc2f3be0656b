"""The question is sent, others are served for a moment, and then the answer is read."""

from __future__ import annotations

import asyncio
import socket

from windtunnel.catalogue.concurrency.event_loop.designs import Backend, Blocking

challenge = "event-loop"


class Yours(Blocking):
    async def ask(self, backend: Backend) -> bytes:
        with socket.create_connection(backend.address) as sock:
            sock.sendall(backend.question)
            await asyncio.sleep(0.01)
            return sock.recv(len(backend.question))
