"""The server of `event-loop`: an echo, and calls of a backend that take their time.

A message is eight bytes. `ping....` is sent back at once. At `call0007` the server asks its backend, as its design does
that, and answers what that has answered. The server itself runs in a thread beside what asks how it goes, which nothing
disturbs while it is measured. A probe wakes every so many milliseconds and notes how late it is: a timer of the loop,
or a thread that sleeps.
"""

from __future__ import annotations

import asyncio
import gc
import runpy
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Protocol

HOST = "127.0.0.1"
SIZE = 8
"""Bytes of a message."""
CALL = b"call"
PROBE_S = 0.005
SETTLE_S = 5.0
"""For a loop to go on: one that has ended does not."""
BACKLOG = 4096
STACK = 1 << 18
"""Bytes that are reserved for a thread's stack. The usual 8 MB, times 10,000, is more than some systems let a process
reserve; what a thread takes of them is the same."""
Span = tuple[float, float]


class Backend:
    """The slow service, for one request."""

    def __init__(self, port: int, question: bytes) -> None:
        self.address, self.question = (HOST, port), question

    def call(self) -> bytes:
        """Ask as most client libraries do: the thread waits for the socket."""
        with socket.create_connection(self.address) as sock:
            sock.sendall(self.question)
            return sock.recv(SIZE)


class Design(Protocol):
    """How it asks; see `designs.py`."""

    by_threads: bool

    async def ask(self, backend: Backend) -> bytes: ...


class Server:
    """What all have in common: what is counted, and the socket on which they listen."""

    def __init__(self, told: Mapping[str, Any], design: Design) -> None:
        self.told, self.design = told, design
        self.backend = 0
        self.listener = socket.create_server((HOST, 0), backlog=BACKLOG)
        self.late: list[Span] = []
        """Of each probe: when it was due, and how many seconds late it was."""
        self.calls: list[Span] = []
        """Of each call of the backend: its begin and its end."""
        self.probing = False
        self.under_way = self.meanwhile = 0
        """Calls under way, and pings that were answered while one was."""
        self.lock = threading.Lock()

    def serve(self) -> None:
        """Serve for ever."""
        raise NotImplementedError

    def probe(self) -> None:
        """Begin to probe."""
        raise NotImplementedError

    def settle(self) -> None:
        """Be back when probes have run that were due before."""

    def begun(self) -> float:
        """A call begins."""
        with self.lock:
            self.under_way += 1
        return time.perf_counter()

    def ended(self, begin: float) -> None:
        """It has been answered."""
        with self.lock:
            self.under_way -= 1
            self.calls.append((begin, time.perf_counter()))

    def pinged(self, data: bytes) -> None:
        """Pings are answered."""
        count = len(data) // SIZE
        with self.lock:
            self.meanwhile += count * (self.under_way > 0)


class ByThreads(Server):
    """A thread for each connection; each waits as long as it likes."""

    def __init__(self, told: Mapping[str, Any], design: Design) -> None:
        super().__init__(told, design)
        threading.stack_size(STACK)

    def serve(self) -> None:
        while True:
            sock, _ = self.listener.accept()
            threading.Thread(target=self.connection, args=(sock,), daemon=True).start()

    def connection(self, sock: socket.socket) -> None:
        with sock:
            while data := sock.recv(4096):
                if data.startswith(CALL):
                    begin = self.begun()
                    data = Backend(self.backend, data).call()
                    self.ended(begin)
                else:
                    self.pinged(data)
                sock.sendall(data)

    def probe(self) -> None:
        threading.Thread(target=self.probes, daemon=True).start()

    def probes(self) -> None:
        due = time.perf_counter()
        while self.probing:
            due += PROBE_S
            time.sleep(max(0.0, due - time.perf_counter()))
            self.late.append((due, time.perf_counter() - due))


class Loop(Server):
    """An event loop: a task for each connection."""

    def __init__(self, told: Mapping[str, Any], design: Design) -> None:
        super().__init__(told, design)
        self.listener.setblocking(False)
        self.loop = LOOPS[told["loop"]]()
        self.loop.set_default_executor(ThreadPoolExecutor(told["pool"]))
        self.tasks: set[asyncio.Task[None]] = set()

    def serve(self) -> None:
        self.loop.run_until_complete(self.accepting())

    async def accepting(self) -> None:
        while True:
            sock, _ = await self.loop.sock_accept(self.listener)
            task = self.loop.create_task(self.connection(sock))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def connection(self, sock: socket.socket) -> None:
        with sock:
            while data := await self.loop.sock_recv(sock, 4096):
                if data.startswith(CALL):
                    begin = self.begun()
                    data = await self.design.ask(Backend(self.backend, data))
                    self.ended(begin)
                else:
                    self.pinged(data)
                await self.loop.sock_sendall(sock, data)

    def probe(self) -> None:
        self.loop.call_soon_threadsafe(lambda: self.next_probe(self.loop.time()))

    def settle(self) -> None:
        """Two turns: what is due when the first begins runs in it, if it was the last call that had held it up."""
        over = threading.Event()
        self.loop.call_soon_threadsafe(self.loop.call_soon, over.set)
        over.wait(SETTLE_S)

    def next_probe(self, before: float) -> None:
        if self.probing:
            self.loop.call_at(before + PROBE_S, self.probed, before + PROBE_S)

    def probed(self, due: float) -> None:
        late = self.loop.time() - due
        self.late.append((time.perf_counter() - late, late))
        self.next_probe(due)


def own_loop() -> asyncio.AbstractEventLoop:
    """The one of a hundred lines beside this file."""
    found: asyncio.AbstractEventLoop = runpy.run_path(str(Path(__file__).with_name("own_loop.py")))["OwnLoop"]()
    return found


def uvloop_loop() -> asyncio.AbstractEventLoop:
    """libuv's, in Cython."""
    import uvloop  # type: ignore[import-not-found, unused-ignore]

    found: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return found


LOOPS: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.SelectorEventLoop,
    "own": own_loop,
    "uvloop": uvloop_loop,
}


def own_memory_kb() -> float | None:
    """What this process has for itself alone, in KiB (USS): None where the system does not say."""
    gc.collect()
    try:
        lines = Path("/proc/self/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return None
    found = dict(line.split(":", 1) for line in lines if line.startswith("Private_"))
    return float(sum(int(found[name].split()[0]) for name in ("Private_Clean", "Private_Dirty")))


def heard(server: Server, what: str, *words: Any) -> Any:
    """One question."""
    match what, words:
        case "open", (backend,):
            server.backend = backend
            threading.Thread(target=server.serve, daemon=True).start()
            return server.listener.getsockname()[1]
        case "memory", ():
            return own_memory_kb()
        case "cpu", ():
            return time.process_time()
        case "begin", ():
            server.late, server.calls, server.meanwhile = [], [], 0
            server.probing, now = True, time.perf_counter()
            server.probe()
            return now
        case "end", ():
            server.settle()  # on a busy machine clients say that all is over before the loop goes on
            server.probing = False
            return {"late": server.late, "spans": server.calls, "meanwhile": server.meanwhile}
    raise ValueError(f"The server is asked for {what}; it answers open, memory, cpu, begin and end.")


def begin(told: Mapping[str, Any], design: Design) -> Callable[..., Any]:
    """What answers; the server ends with the process, and all the threads that still serve."""
    return partial(heard, (ByThreads if design.by_threads else Loop)(told, design))
