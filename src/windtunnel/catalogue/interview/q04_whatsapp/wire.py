"""What goes over the wire: WebSockets by the real `websockets` library, and requests of HTTP for who polls.

Both ends are the same code on simulated hosts and on sockets of this machine. Bytes are counted where they arrive.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from websockets.asyncio.connection import Connection

Frame = dict[str, Any]
"""What is said at once: an object of JSON."""
Before = Callable[["Line", Frame], Awaitable[None]]
"""Called before a frame is sent, which may be the end of who sends it."""
QUIET = logging.getLogger("windtunnel.chat")
"""What the library would tell of connections that break off, which is what is tried here."""
QUIET.disabled = True


def packed(frame: Frame) -> bytes:
    """As it travels."""
    return json.dumps(frame, separators=(",", ":")).encode()


def counted(kind: type[Any], arrived: Callable[[int], None]) -> type[Any]:
    """A connection of the library that says how many bytes arrive at it."""

    class Counted(kind):  # type: ignore[misc]  # a class that is known when it runs
        def data_received(self, data: bytes) -> None:
            arrived(len(data))
            super().data_received(data)

    return Counted


class Line:
    """One end of a WebSocket.

    Attributes:
        device: whose it is.
        came: called with the text of each frame that comes.
    """

    def __init__(
        self, socket: Connection, device: int, before: Before, came: Callable[[str], None] = lambda text: None
    ) -> None:
        self.socket, self.device, self.before, self.came = socket, device, before, came
        self.tasks: set[asyncio.Task[None]] = set()
        self.error: BaseException | None = None

    async def send(self, frame: Frame) -> None:
        """Send it. That this returns does not mean that it arrives. Raises ConnectionError."""
        from websockets.exceptions import ConnectionClosed

        await self.before(self, frame)
        try:
            await self.socket.send(packed(frame).decode())
        except ConnectionClosed as error:
            raise ConnectionResetError(str(error)) from error

    def beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this for as long as the line lasts; where it fails, the line ends."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.error = self.error or task.exception()
            self.abort()

    def abort(self) -> None:
        """Break it off, without a word."""
        self.socket.transport.abort()

    def end(self) -> None:
        """It is over: so is what was done beside."""
        for task in [*self.tasks]:
            task.cancel()
        self.abort()

    def __aiter__(self) -> Line:
        return self

    async def __anext__(self) -> Frame:
        """The next frame; no more when the line is over, in whatever way."""
        from websockets.exceptions import ConnectionClosed

        try:
            text = str(await self.socket.recv())
        except ConnectionClosed:
            self.end()
            if self.error is not None:
                raise self.error from None
            raise StopAsyncIteration from None
        self.came(text)
        frame: Frame = json.loads(text)
        return frame


# --- requests ----------------------------------------------------------------------------------------------------
HEAD_END = b"\r\n\r\n"


def request(device: int, frame: Frame) -> bytes:
    """A request with the least head that says what it has to: where, who, how long."""
    body = packed(frame)
    head = f"POST / HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {device}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def response(frame: Frame) -> bytes:
    """An answer."""
    body = packed(frame)
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def heard(reader: asyncio.StreamReader) -> tuple[dict[str, str], Frame, int]:
    """The head, the body and the bytes of what comes next. Raises ConnectionError where nothing does."""
    try:
        head = await reader.readuntil(HEAD_END)
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:] if line)
        body = await reader.readexactly(int(lines["Content-Length"]))
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError("The connection has ended.") from error
    return lines, json.loads(body), len(head) + len(body)
