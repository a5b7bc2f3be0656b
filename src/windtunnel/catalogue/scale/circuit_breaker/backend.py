"""A server of the circuit breaker as a real process. This file is its program.

    python backend.py SOCKET '{"workers": ...}'

A call is `["serve", work_s]`; it is answered when a worker has done the work, first come, first served. A worker reads
block after block over a link that carries one in a millisecond: the kernel paces its connection, so a server is busy as
servers mostly are, waiting for something slower than its processor. Who has given up has told nobody, and is served.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Mapping
from typing import Any

from windtunnel.engines import answer_calls, come_first

BLOCK = bytes(250)
BLOCK_S = 0.001
"""What the link takes for one. Linux sends in one go what is there to be sent: a block is asked for when the last one
has come."""
UNPACED = 20
"""Blocks to begin with, for Linux lets the first ten packets of a connection go as they come."""
MAX_PACING_RATE = 47
"""Linux's SO_MAX_PACING_RATE, which Python's socket does not name."""
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Link:
    """A connection, both ends of which are here."""

    def __init__(self, near: Streams, far: Streams) -> None:
        self.near, self.far = near, far

    async def carry(self, blocks: int) -> None:
        """So many, from the far end to the near one."""
        for _ in range(blocks):
            self.far[1].write(BLOCK)
            await self.near[0].readexactly(len(BLOCK))


class Backend:
    """Workers, each with a link of its own."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.workers = told["workers"]
        self.idle: asyncio.Queue[Link] = asyncio.Queue()

    async def begin(self) -> None:
        """Connect the links."""
        with socket.socket() as listening:
            listening.setsockopt(socket.SOL_SOCKET, MAX_PACING_RATE, round(len(BLOCK) / BLOCK_S))
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            listening.setblocking(False)
            links = [await self.link(listening) for _ in range(self.workers)]
        await asyncio.gather(*(link.carry(UNPACED) for link in links))
        for link in links:
            self.idle.put_nowait(link)

    @staticmethod
    async def link(listening: socket.socket) -> Link:
        """A new one."""
        near = await asyncio.open_connection(*listening.getsockname())
        far, _ = await asyncio.get_running_loop().sock_accept(listening)
        return Link(near, await asyncio.open_connection(sock=far))

    async def heard(self, what: str, work_s: float) -> bool:
        """One call."""
        if what != "serve":
            raise ValueError(f"A server is asked for {what}; it answers serve.")
        link = await self.idle.get()
        try:
            await link.carry(1 + round(work_s / BLOCK_S))
        finally:
            self.idle.put_nowait(link)
        return True


async def main() -> None:
    """Serve until killed."""
    backend = Backend(json.loads(sys.argv[2]))
    await backend.begin()
    await answer_calls(sys.argv[1], backend.heard)


if __name__ == "__main__":
    come_first()
    asyncio.run(main())
