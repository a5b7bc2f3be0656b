"""A server of the sinkhole as a real process. This file is its program.

    python backend.py SOCKET '{"slots": ..., "fail_s": ..., "bytes_per_s": ...}'

It works on `slots` requests at once, and as many may wait; who comes then is told `full`. The work of a request is to
send a body of as many bytes as a link of `bytes_per_s` carries in that time: the kernel paces the connection, so a
server is busy as servers mostly are, waiting for something slower than its processor. A failure is `fail_s` of
computation, and an error.

Balancers connect to the port that `["port"]` is answered by, and keep their connections. A line `GOOD SECONDS` is a
request; it is answered by a line (`ok BYTES`, `failed`, `full`) and the body, and a slot is free again when the line
`got` says that it has arrived. `["sicken"]` and `["heal"]` come over the socket, as calls.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from windtunnel.engines import answer_calls, come_first

BLOCK = bytes(1 << 12)
SEGMENT = 500
"""Bytes of a packet: the loopback's own are so large that a pace would be one of leaps."""
MAX_PACING_RATE = 47
"""Linux's SO_MAX_PACING_RATE, which Python's socket does not name."""


class Machine:
    """The server: its slots, its places, and whether it is sick."""

    def __init__(self, told: Mapping[str, Any]) -> None:
        self.slots, self.fail_s, self.pace = told["slots"], told["fail_s"], told["bytes_per_s"]
        self.free = asyncio.Semaphore(self.slots)
        self.inside = 0
        self.sick = False
        self.port = 0
        self.serving: asyncio.Server | None = None

    async def listen(self) -> None:
        """Take connections on a port of the loopback."""
        listening = socket.socket()
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT)
        listening.setsockopt(socket.SOL_SOCKET, MAX_PACING_RATE, self.pace)
        listening.bind(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        self.serving = await asyncio.start_server(self.connected, sock=listening, backlog=1024)

    async def heard(self, what: str) -> Any:
        """One call."""
        match what:
            case "port":
                return self.port
            case "sicken" | "heal":
                self.sick = what == "sicken"
                return True
        raise ValueError(f"A server is asked for {what}; it answers port, sicken and heal.")

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: a request at a time."""
        writer.transport.set_write_buffer_limits(0)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := (await reader.readline()).split():
                if self.inside >= 2 * self.slots:
                    writer.write(b"full\n")
                    continue
                self.inside += 1
                try:
                    async with self.free:
                        await self.serve(reader, writer, line[0] == b"1", float(line[1]))
                finally:
                    self.inside -= 1
        writer.close()

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, good: bool, work_s: float
    ) -> None:
        """One request, in a slot of its own."""
        if good and not self.sick:
            body = bytes(round(work_s * self.pace))
            writer.write(b"ok %d\n" % len(body))
            writer.write(body)
            await writer.drain()
            await reader.readline()
        else:
            self.compute()
            writer.write(b"failed\n")

    def compute(self) -> None:
        """For as long as a failure takes, of processor time."""
        end = time.thread_time() + self.fail_s
        while time.thread_time() < end:
            hashlib.sha256(BLOCK)


async def main() -> None:
    """Serve until killed."""
    machine = Machine(json.loads(sys.argv[2]))
    await machine.listen()
    await answer_calls(sys.argv[1], machine.heard)


if __name__ == "__main__":
    come_first()
    asyncio.run(main())
