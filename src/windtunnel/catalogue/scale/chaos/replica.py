"""A small store on three replicas, each a process with a log on a disk of its own.

Whoever is asked for a key asks for the newest value that a majority knows, and has a majority keep what is new: an
atomic register with several writers (Attiya, Bar-Noy and Dolev 1995; Lynch and Shvartsman 1997). There is no leader,
and any two majorities share a replica. It asks itself and one neighbour; the third is asked where that fails.

It imports asyncio and two blocks, and knows nothing of the tunnel: the same lines run on simulated hosts and as
processes. `met` counts every error handler that is entered, as a store's own counters would; `bugs.py` has ten
replicas with one wrong handler each.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from windtunnel.blocks.durability import Log, LogFailed
from windtunnel.blocks.ground import DiskFiles, Files

Address = tuple[str, int]
Stamp = list[int]
"""Microseconds of the day, who gave it, and a number of that one's life: later writes have greater ones."""
NEVER: Stamp = [0, 0, 0]
PEER_S = 0.3
"""So long a replica waits for another."""
REST_S = 1.0
"""So long a replica that did not answer is asked last."""
RECORD_BYTES = 4096
"""A record fills a page of its own, so that a disk without a free page has no room for it."""


class NotDone(Exception):
    """It certainly was not done."""

    outcome = "fail"


class InDoubt(Exception):
    """No majority answered; nobody knows whether it was done, or ever will be."""

    outcome = "unknown"


class Link:
    """One connection to another replica, for one call at a time; made when it is needed."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.turn = asyncio.Lock()
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def call(self, request: Sequence[Any]) -> Any:
        """What it answers. Raises OSError where the connection breaks."""
        if self.streams is None:
            self.streams = await asyncio.open_connection(*self.address)
        reader, writer = self.streams
        writer.write(json.dumps(request).encode() + b"\n")
        line = await reader.readline()
        if not line:
            raise ConnectionResetError("The other side has ended the connection.")
        return json.loads(line)

    def drop(self) -> None:
        """End the connection: whatever still comes over it answers nobody."""
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None


class Replica:
    """One of them.

    Args:
        me: its number.
        addresses: where all listen, by number; its own is where it listens itself.
        folder: of its log.
    """

    needed = 2
    """So many have to answer, oneself included."""

    def __init__(self, me: int, addresses: Sequence[Address], folder: str) -> None:
        self.me = me
        self.addresses = addresses
        self.folder = folder
        self.cells: dict[str, tuple[Stamp, Any]] = {}
        self.log: Log | None = None
        self.links = {i: Link(address) for i, address in enumerate(addresses) if i != me}
        self.resting = dict.fromkeys(self.links, 0.0)
        """Until when each is asked last."""
        self.life = random.getrandbits(32)
        """What was given before a crash is never given again, wherever the clock stands."""
        self.last = 0
        self.serving: set[asyncio.Task[None]] = set()
        self.over = asyncio.Event()
        self.errors: Counter[str] = Counter()
        self.calls = 0
        """Questions to the others so far."""

    def met(self, handler: str) -> None:
        """An error handler was entered."""
        self.errors[handler] += 1

    async def run(self) -> None:
        """Serve until `abort`."""
        self.open()
        server = await asyncio.start_server(self.accept, *self.addresses[self.me])
        await self.catch_up()
        await self.over.wait()
        server.close()
        for task in self.serving:
            task.cancel()

    def abort(self) -> None:
        """End this process."""
        self.over.set()

    def disk(self) -> Files:
        """Where its log is kept."""
        return DiskFiles(self.folder)

    # --- its disk ----------------------------------------------------------------------------------------------------
    def open(self) -> Log:
        """The log, opened anew where it is not open; what is found in it is known from then on."""
        if self.log is None:
            self.log = Log(self.disk())
            for record in self.log.records():
                key, stamp, value = json.loads(record.value or b"")
                if stamp > self.known(key)[0]:
                    self.cells[key] = stamp, value
        return self.log

    def known(self, key: str) -> tuple[Stamp, Any]:
        """Stamp and value as this replica knows them."""
        return self.cells.get(key, (NEVER, None))

    def write(self, key: str, stamp: Stamp, value: Any) -> None:
        """Return once it is on the disk. Raises NotDone."""
        try:
            log = self.open()
            log.append(json.dumps([key, stamp, value]).encode().ljust(RECORD_BYTES))
            log.sync()
        except (LogFailed, OSError) as error:
            self.met("disk")
            self.close()  # a log that has failed takes nothing more; the next write opens it again
            raise NotDone("The disk does not take it.") from error

    def close(self) -> None:
        """Give the log up."""
        if self.log is not None:
            with suppress(LogFailed, OSError):
                self.log.close()
            self.log = None

    # --- what others ask ---------------------------------------------------------------------------------------------
    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A task for each connection. An error that nobody has thought of ends that connection alone."""

        def ended(task: asyncio.Task[None]) -> None:
            self.serving.discard(task)
            if not task.cancelled() and task.exception() is not None:
                self.met("unforeseen")

        task = asyncio.get_running_loop().create_task(self.serve(reader, writer))
        self.serving.add(task)
        task.add_done_callback(ended)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: requests, each a line, answered one after the other."""
        try:
            while line := await reader.readline():
                answer = await self.answer(*json.loads(line))
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except OSError:
            self.met("caller")  # it has gone, and nobody waits for the answer
        finally:
            writer.close()

    async def answer(self, name: str, *args: Any) -> dict[str, Any]:
        """The answer as it is sent: {"ok": ...}, or {"error": "fail" or "unknown"}."""
        try:
            return {"ok": await self.do(name, *args)}
        except (NotDone, InDoubt) as error:
            return {"error": error.outcome}

    async def do(self, name: str, *args: Any) -> Any:
        """What is asked by this name. Raises NotDone or InDoubt."""
        asked: Mapping[str, Callable[..., Awaitable[Any]]] = {
            "get": self.get,
            "put": self.put,
            "fetch": self.fetch,
            "fetch_all": self.fetch_all,
            "store": self.store,
        }
        return await asked[name](*args)

    async def fetch(self, key: str) -> tuple[Stamp, Any]:
        return self.known(key)

    async def fetch_all(self) -> dict[str, tuple[Stamp, Any]]:
        return self.cells

    async def store(self, key: str, stamp: Stamp, value: Any) -> bool:
        if stamp > self.known(key)[0]:
            self.write(key, stamp, value)
            self.cells[key] = stamp, value
        return True

    async def get(self, key: str) -> Any:
        found = await self.majority("fetch", key)
        stamp, value = max(found, key=lambda cell: cell[0])
        if any(other != stamp for other, _ in found):
            await self.majority("store", key, stamp, value)  # or somebody who reads later could see what was before
        return value

    async def put(self, key: str, value: Any) -> bool:
        try:
            found = await self.majority("fetch", key)
        except InDoubt as error:
            self.met("nothing done")
            raise NotDone("Nothing was written.") from error
        stamp = self.stamp(max(stamp for stamp, _ in found))
        try:
            await self.majority("store", key, stamp, value)
        except InDoubt:
            self.met("half done")
            raise
        return True

    def stamp(self, newest: Stamp) -> Stamp:
        """A stamp later than this one, and than all that it has given."""
        at = time.time_ns() // 1000
        if at <= newest[0]:
            self.met("clock")  # it is behind that of another
            at = newest[0] + 1
        self.last = max(at, self.last + 1)
        return [self.last, self.me, self.life]

    # --- asking others -----------------------------------------------------------------------------------------------
    async def majority(self, *request: Any) -> list[Any]:
        """As many answers as are needed. Raises InDoubt."""
        answers = []
        for peer in self.order():
            try:
                answers.append(await (self.do(*request) if peer == self.me else self.call(peer, *request)))
            except (NotDone, OSError, TimeoutError):
                continue  # the next one may do it
            if len(answers) == self.needed:
                return answers
        raise InDoubt(f"{len(answers)} of {self.needed} have answered.")

    def order(self) -> list[int]:
        """Itself, the next one, the one after: who has not answered of late is asked last."""
        now, n = time.monotonic(), len(self.addresses)
        peers = sorted(self.links, key=lambda peer: (self.resting[peer] > now, (peer - self.me) % n))
        return [self.me, *peers]

    async def call(self, peer: int, *request: Any) -> Any:
        """What another replica answers. Raises NotDone, OSError or TimeoutError where it does not answer."""
        link = self.links[peer]
        self.calls += 1
        try:
            async with asyncio.timeout(PEER_S), link.turn:
                answer = await self.exchange(link, request)
        except (OSError, TimeoutError):
            self.met("peer")
            self.resting[peer] = time.monotonic() + REST_S
            raise
        if "error" in answer:
            self.met("refusal")
            raise NotDone(answer["error"])
        return answer["ok"]

    async def exchange(self, link: Link, request: Sequence[Any]) -> Any:
        """One question and its answer; the link is dropped where there is none."""
        try:
            return await link.call(request)
        except BaseException:  # the time limit too, which comes as a cancellation
            self.met("link")
            link.drop()
            raise

    async def catch_up(self) -> None:
        """Take over what a neighbour has and this one missed. Raises nothing: all works without it, only slower."""
        for peer in self.order()[1:]:
            try:
                for key, (stamp, value) in (await self.call(peer, "fetch_all")).items():
                    await self.store(key, stamp, value)
                return
            except (OSError, TimeoutError, NotDone):
                self.met("catching up")
