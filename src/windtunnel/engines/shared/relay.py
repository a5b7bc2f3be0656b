"""A relay between clients and a real server, by which faults reach the way between them: no rights are needed.

It passes bytes on in both directions. A way that is cut holds them until it is mended, as TCP does; one that is slow
delivers them later; and where answers are lost the connection breaks as soon as the server answers: what was asked has
been done, and nobody is told.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from math import fsum
from pathlib import Path

from windtunnel.sim.link import Disturbance

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
CHUNK = 1 << 16
UNDER_WAY = 64
"""Chunks that a slow way holds at most; then it takes no more, as a full window does."""


class Way:
    """One direction, and what disturbs it."""

    def __init__(self) -> None:
        self.extra_s = 0.0
        self.open = asyncio.Event()
        self._cut = self._held = False
        self._settle()

    def disturb(self, those: Iterable[Disturbance]) -> None:
        """These disturb it from now on, and no others."""
        those = list(those)
        self.extra_s = fsum(one.extra_s for one in those)
        self._cut = any(one.cut for one in those)
        self._settle()

    def hold(self, yes: bool) -> None:
        """Let nothing through, whatever disturbs it beside that; or no longer."""
        self._held = yes
        self._settle()

    def _settle(self) -> None:
        if self._cut or self._held:
            self.open.clear()
        else:
            self.open.set()


class Relay:
    """Listens where clients connect, and passes what they say on.

    Args:
        connect: makes a connection to the server.
        name: of the socket that clients connect to, in a folder of our own.

    Attributes:
        where: the socket that clients connect to, for those who do not ask for a `port`.
        requests, answers: the two directions.
        replies_lost: connections break where the server answers.
    """

    def __init__(self, connect: Callable[[], Awaitable[Streams]], name: str = "socket") -> None:
        self.requests = Way()
        self.answers = Way()
        self.replies_lost = False
        self._connect = connect
        self._folder = tempfile.mkdtemp(prefix="wt-way-")
        self.where = Path(self._folder) / name
        self._listening: asyncio.Task[asyncio.Server] | None = None
        self._passing: set[asyncio.Task[None]] = set()

    async def path(self) -> Path:
        """Where clients connect; it listens from when it is first asked."""
        if self._listening is None:
            listen = asyncio.start_unix_server(self._accept, str(self.where), backlog=4096)
            self._listening = asyncio.ensure_future(listen)
        await asyncio.shield(self._listening)
        return self.where

    async def port(self) -> int:
        """As `path`, for clients that know no sockets but those of TCP: a port of the loopback."""
        if self._listening is None:
            listen = asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=4096)
            self._listening = asyncio.ensure_future(listen)
        listening = await asyncio.shield(self._listening)
        return int(listening.sockets[0].getsockname()[1])

    def hold(self, yes: bool) -> None:
        """Let nothing through in either direction; or no longer, and what was held arrives now."""
        self.requests.hold(yes)
        self.answers.hold(yes)

    async def close(self) -> None:
        """Break what is connected, and listen no more."""
        if self._listening is not None:
            (await self._listening).close()
            self._listening = None
        for task in list(self._passing):
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: of one that asyncio makes here it would print that it was cancelled.
        task = asyncio.create_task(self._pass(reader, writer))
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until both sides have ended it or something breaks."""
        ends = [writer]
        try:
            there, to_server = await self._connect()
            ends.append(to_server)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._along(self.requests, reader, to_server))
                group.create_task(self._along(self.answers, there, writer))
        except* (OSError, EOFError):
            pass  # it broke: so does the other side
        finally:
            for end in ends:
                with suppress(OSError):
                    end.transport.abort()

    async def _along(self, way: Way, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        clock = asyncio.get_running_loop().time
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(UNDER_WAY)

        async def read() -> None:
            while True:
                data = await source.read(CHUNK)
                if data and way is self.answers and self.replies_lost:
                    raise ConnectionResetError("The answer is lost.")
                await under_way.put((clock() + way.extra_s, data))
                if not data:
                    return

        async def write() -> None:
            while True:
                due, data = await under_way.get()
                if due > clock():
                    await asyncio.sleep(due - clock())
                await way.open.wait()
                if not data:
                    target.write_eof()
                    return
                target.write(data)
                await target.drain()

        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            group.create_task(write())
