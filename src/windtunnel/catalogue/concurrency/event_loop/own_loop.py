"""An event loop in a hundred lines: a queue of what can run, a heap of what will, and one wait for the system.

It runs asyncio's own tasks, futures, `sleep`, `gather`, locks and queues, in the order in which asyncio runs them; it
leaves out what a lesson does not need (transports, subprocesses, signals, debugging). One turn of it is `turn`:

1. ask the system which sockets can go on, and wait no longer than until the next timer, or not at all while something
   can run;
2. put at the end of the queue: what waited for those sockets, then the timers that are due, in their order;
3. run what stood in the queue when this turn began, and nothing that is put there meanwhile.

That is all there is to a loop, and why one blocking call stops everything: step 3 waits for it.
"""

from __future__ import annotations

import asyncio
import heapq
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from functools import partial
from typing import Any

Calls = Callable[..., object]


class Entry(asyncio.TimerHandle):
    """What shall run, and from when on: what the caller gets, who may cancel it."""

    def __init__(self, when: float, callback: Calls, args: tuple[Any, ...], loop: OwnLoop, context: Context | None):
        context = context or copy_context()
        super().__init__(when, callback, args, loop, context)
        self.run = partial(context.run, callback, *args)


class OwnLoop(asyncio.AbstractEventLoop):
    """The loop.

    Args:
        clock: tells seconds.
        selector: waits for sockets; the system's best by default.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, selector: selectors.BaseSelector | None = None
    ) -> None:
        self.time = clock  # type: ignore[method-assign]
        self._selector = selector or selectors.DefaultSelector()
        self._ready: deque[Entry] = deque()
        self._timers: list[Entry] = []
        self._pool = ThreadPoolExecutor(4)
        # A byte in this pair wakes the loop for what another thread has put into the queue.
        self._woken, self._wakes = socket.socketpair()
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, lambda: self._woken.recv(4096))

    # --- the loop ------------------------------------------------------------------------------------------------
    def turn(self) -> None:
        """One turn."""
        while self._timers and self._timers[0].cancelled():
            heapq.heappop(self._timers)
        wait = None if not self._timers else max(0.0, self._timers[0].when() - self.time())
        for key, _ in self._selector.select(0 if self._ready else wait):
            self.call_soon(key.data)
        now = self.time() + time.get_clock_info("monotonic").resolution
        while self._timers and self._timers[0].when() < now:
            self._ready.append(heapq.heappop(self._timers))
        for _ in range(len(self._ready)):
            entry = self._ready.popleft()
            if not entry.cancelled():
                entry.run()

    def run_until_complete(self, future: Coroutine[Any, Any, Any]) -> Any:  # type: ignore[override]
        """Turn until this is done, and return what came of it."""
        asyncio._set_running_loop(self)
        try:
            ended: list[object] = []
            task = self.create_task(future)
            task.add_done_callback(ended.append)  # which comes after what was in the queue before
            while not ended:
                self.turn()
            return task.result()
        finally:
            asyncio._set_running_loop(None)

    def close(self) -> None:
        """Give back what it has opened."""
        self._pool.shutdown(wait=False)
        self._selector.close()
        self._woken.close()
        self._wakes.close()

    # --- what shall run ------------------------------------------------------------------------------------------
    def call_soon(self, callback: Calls, *args: Any, context: Context | None = None) -> Entry:  # type: ignore[override]
        """At the end of the queue."""
        entry = Entry(0.0, callback, args, self, context)
        self._ready.append(entry)
        return entry

    def call_soon_threadsafe(self, callback: Calls, *args: Any, context: Context | None = None) -> Entry:  # type: ignore[override]
        """The same, from another thread."""
        entry = self.call_soon(callback, *args, context=context)
        self._wakes.send(b"!")
        return entry

    def call_later(self, delay: float, callback: Calls, *args: Any, context: Context | None = None) -> Entry:  # type: ignore[override]
        """After so many seconds."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Calls, *args: Any, context: Context | None = None) -> Entry:  # type: ignore[override]
        """Not before this second."""
        entry = Entry(when, callback, args, self, context)
        heapq.heappush(self._timers, entry)
        return entry

    def create_future(self) -> asyncio.Future[Any]:
        """What a task can wait for."""
        return asyncio.Future(loop=self)

    def create_task(self, coro: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:  # type: ignore[override]
        """A task puts its next step into the queue whenever what it waits for has happened."""
        return asyncio.Task(coro, loop=self, **options)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """In a thread, whose end comes back through the queue."""
        return asyncio.wrap_future((executor or self._pool).submit(func, *args), loop=self)

    def set_default_executor(self, executor: Any) -> None:
        """The threads of `run_in_executor`."""
        self._pool = executor

    # --- sockets -------------------------------------------------------------------------------------------------
    async def _until(self, sock: socket.socket, event: int) -> None:
        """Wait until the system says that this socket can go on."""
        waiting = self.create_future()

        def happens() -> None:
            if not waiting.done():  # it may have been cancelled
                waiting.set_result(None)

        self._selector.register(sock, event, happens)
        try:
            await waiting
        finally:
            self._selector.unregister(sock)

    async def sock_accept(self, sock: socket.socket) -> tuple[socket.socket, Any]:
        """The next connection."""
        while True:
            try:
                found, address = sock.accept()
            except BlockingIOError:
                await self._until(sock, selectors.EVENT_READ)
            else:
                found.setblocking(False)
                return found, address

    async def sock_recv(self, sock: socket.socket, nbytes: int) -> bytes:
        """What has come, as soon as something has."""
        while True:
            try:
                return sock.recv(nbytes)
            except BlockingIOError:
                await self._until(sock, selectors.EVENT_READ)

    async def sock_sendall(self, sock: socket.socket, data: Any) -> None:
        """All of it."""
        while data:
            try:
                data = data[sock.send(data) :]
            except BlockingIOError:
                await self._until(sock, selectors.EVENT_WRITE)

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        """A connection."""
        if sock.connect_ex(address):
            await self._until(sock, selectors.EVENT_WRITE)
            if failed := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(failed, "Connect call failed")

    # --- what asyncio asks of a loop -----------------------------------------------------------------------------
    def get_debug(self) -> bool:
        """Never."""
        return False

    def is_closed(self) -> bool:
        """A thread asks that comes back late."""
        return self._woken.fileno() < 0

    def is_running(self) -> bool:
        """While it turns."""
        return asyncio._get_running_loop() is self

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What nobody has taken."""
        raise context.get("exception") or RuntimeError(context["message"])

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer stays in the heap until it is on top."""
