"""Ways to wait for a slow service inside of a server.

They are made in the server's process (`server.py`), which imports nothing of ours, and neither do they.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol


class Backend(Protocol):
    """The slow service, for one request."""

    address: tuple[str, int]
    question: bytes
    """What to send there; as many bytes come back."""

    def call(self) -> bytes:
        """Ask as most client libraries do: whoever calls waits for the socket. The answer."""


class Blocking:
    """An event loop, in which a coroutine makes a blocking call."""

    by_threads = False
    """Whether each connection has a thread of its own, in the place of a task of the loop."""

    def __init__(self, *surroundings: object) -> None:
        """In the server's process there are none."""

    async def ask(self, backend: Backend) -> bytes:
        """What the backend answers. Where connections are threads each just calls."""
        return backend.call()


class Threads(Blocking):
    """A thread for each connection."""

    by_threads = True


class ToThread(Blocking):
    """The event loop, and a pool of threads for the calls that block."""

    async def ask(self, backend: Backend) -> bytes:
        return await asyncio.to_thread(backend.call)


class NonBlocking(Blocking):
    """The event loop, which makes the calls as well."""

    async def ask(self, backend: Backend) -> bytes:
        loop = asyncio.get_running_loop()
        with socket.socket() as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, backend.address)
            await loop.sock_sendall(sock, backend.question)
            return await loop.sock_recv(sock, len(backend.question))
