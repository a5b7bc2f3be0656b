"""Calls between processes: many at a time over one connection, each a line of JSON with a number.

`[number, what ...]` is a call, `[number, answer]` its answer, `[number]` takes the call back. Who gives up waiting for
an answer has told nobody: that is what `take_back` is for.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from windtunnel.engines.errors import Unavailable

FIRST = -15
"""How nice a process is that stands for a machine; the less, the sooner it is served."""


class Call(asyncio.Future[Any]):
    """An answer that is still to come; it fails with ConnectionResetError where the connection breaks."""

    number = 0


class Calls:
    """The side that asks.

    Args:
        path: the Unix socket on which the other side listens.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._numbers = count(1)
        self._open: dict[int, Call] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Open the connection. Raises Unavailable."""
        try:
            reader, self._writer = await asyncio.open_unix_connection(self.path)
        except OSError as error:
            raise Unavailable(f"Nobody listens on {self.path}: {error.strerror}.") from error
        self._reading = asyncio.create_task(self._read(reader))
        self._reading.add_done_callback(self._broken)

    def begin(self, *what: Any) -> Call:
        """Ask, and do not wait; await what is returned for the answer. Raises Unavailable."""
        if self._writer is None or self._writer.is_closing():
            raise Unavailable(f"There is no connection to {self.path}; connect first.")
        call = Call()
        call.number = next(self._numbers)
        self._open[call.number] = call
        self._send(call.number, *what)
        return call

    def take_back(self, call: Call) -> None:
        """Say that nobody waits for this answer any more: who works for it is cancelled."""
        if not call.done():
            self.drop(call)
            self._send(call.number)

    def drop(self, call: Call) -> None:
        """Wait for this answer no more, and tell nobody."""
        self._open.pop(call.number, None)
        call.cancel()

    async def close(self) -> None:
        """Break the connection."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading
            self._reading = None

    def _send(self, *line: Any) -> None:
        assert self._writer is not None
        if not self._writer.is_closing():
            self._writer.write(json.dumps(line).encode() + b"\n")

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while line := await reader.readline():
                number, answer = json.loads(line)
                call = self._open.pop(number, None)
                if call is not None and not call.done():  # done: given up in this very moment
                    call.set_result(answer)

    def _broken(self, reading: asyncio.Task[None]) -> None:
        """What reads has ended, or was cancelled before it began."""
        assert self._writer is not None
        self._writer.close()
        for call in self._open.values():
            if not call.done():
                call.set_exception(ConnectionResetError(f"The connection to {self.path} broke."))
                call.exception()  # nobody need ask for it
        self._open.clear()


async def answer_calls(path: str, answer: Callable[..., Awaitable[Any]]) -> None:
    """The side that answers: listen on a Unix socket until killed. Each call is a task of its own.

    Args:
        answer: what a call's words ask for; where it returns None no answer is sent. A call that is taken back is
            cancelled, if it has not been answered; where it raises the connection breaks, and whoever asks learns that.
    """

    running: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: of one that asyncio makes here it would print that it was cancelled.
        task = asyncio.create_task(_answer(reader, writer, answer))
        running.add(task)
        task.add_done_callback(running.discard)

    server = await asyncio.start_unix_server(connected, path, backlog=4096)
    try:
        async with server:
            await server.serve_forever()
    finally:
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Callable[..., Awaitable[Any]]
) -> None:
    """One connection."""
    running: dict[int, asyncio.Task[None]] = {}

    async def one(number: int, what: list[Any]) -> None:
        try:
            found = await answer(*what)
        except Exception:
            writer.close()
            raise
        if found is not None and not writer.is_closing():
            writer.write(json.dumps([number, found]).encode() + b"\n")

    def over(number: int, _: asyncio.Task[None]) -> None:
        del running[number]

    try:
        with suppress(ConnectionError):
            while line := await reader.readline():
                number, *what = json.loads(line)
                if what:
                    running[number] = asyncio.create_task(one(number, what))
                    running[number].add_done_callback(partial(over, number))
                elif number in running:
                    running[number].cancel()
    finally:
        writer.close()


def come_first() -> None:
    """This process stands for a machine of its own: it goes before other work of this one, where we may say so."""
    with suppress(OSError):  # only the administrator may
        os.nice(FIRST)
        Path("/proc/self/autogroup").write_text(str(FIRST))  # Linux gives time to sessions, which share it out
