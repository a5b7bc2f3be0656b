"""A machine on which a coordinator runs, and is killed: in the tunnel a host, elsewhere all that runs for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from windtunnel import Stage
from windtunnel.blocks.ground import DiskFiles, File, Files
from windtunnel.catalogue.scale.saga.world import HOP_S, PATIENCE_S, PORT, SERVICES, Killed, Letter, Order, Post

if TYPE_CHECKING:
    from windtunnel.sim import Host

FOLDER = "shop"
"""Where the disk of a machine is, for its program."""
SYNC_S = 0.001
"""Seconds that a sync of its disk takes in the tunnel."""


class Program(Protocol):
    """What runs on the machine, from one start to the next crash."""

    def boot(self, desk: Desk) -> None: ...

    async def recover(self) -> None: ...

    async def order(self, order: Order) -> bool: ...


class Reply:
    """What a client hears."""

    def __init__(self, stage: Stage) -> None:
        self.over = stage.signal()
        self.said: bool | None = None

    def end(self, said: bool | None) -> None:
        """Yes, no, or that nobody is there any more."""
        if not self.over.done():
            self.said = said
            self.over.set()


def without_the_dead(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a loop tells of tasks that failed and that nobody awaits; those of a dead machine did not fail."""
    if not isinstance(context.get("exception"), Killed):
        loop.default_exception_handler(context)


def empty(disk: Files, folder: str) -> None:
    """Remove all files below this folder; its own folders stay."""
    for name in disk.listdir(folder) if disk.exists(folder) else ():
        path = f"{folder}/{name}"
        try:
            disk.remove(path)
        except IsADirectoryError:
            empty(disk, path)
        disk.fsync_dir(folder)


class Machine:
    """What is killed and starts again: in the tunnel a host with its disk, elsewhere what runs for it, and a folder.

    Args:
        folder: of its disk, where that is real.
        power: whether it dies by a loss of power, which takes what was not synced along; else its program alone dies.
    """

    def __init__(
        self, stage: Stage, name: str, post: Post, program: Callable[[], Program], folder: Path | None, *, power: bool
    ) -> None:
        self.stage, self.name, self.post, self.program, self.power = stage, name, post, program, power
        self.sim = stage.sim if stage.name == "sim" else None
        self.tasks: set[asyncio.Task[Any]] = set()
        self.calls = 0
        self.desk: Desk | None = None
        self.disk: Files
        if self.sim is not None:
            self.host = stage.host(name, after_power_loss="nothing")
            for service in SERVICES:
                stage.network.connect(self.host, stage.host(service), latency=HOP_S)
            self.disk = self.host.disk
        else:
            assert folder is not None
            self.disk = DiskFiles(folder)
        self.begin()
        if self.sim is not None:
            self.host.start(self._listen, light=True)
            self.host.start(self._main)

    def begin(self, *places: int) -> None:
        """An order will come. The disk is empty; the machine dies at its so-manieth place, in its next life at another.

        Its program has to be started with `start`.
        """
        if self.desk is not None:
            self.desk.end()
        empty(self.disk, FOLDER)
        self.desk = None
        self.places = list(places)
        self.reached: list[int] = []
        """To how many places it has come, in each of its lives."""
        self.counting = False
        self.syncs = 0
        """How often a file has been synced since."""
        self.runs = self.stage.signal()

    def start(self) -> None:
        """Start it, after `begin` or a crash."""
        if self.sim is None:
            self.run(self._main())
        elif self.down:
            self.host.restart()
        else:
            self.host.create_task(self._main())

    @property
    def down(self) -> bool:
        """Whether nothing runs on it."""
        return self.host.down if self.sim is not None else self.desk is None or self.desk.dead

    async def _main(self) -> None:
        """From a start to the next crash; nothing is known but what is on the disk."""
        if self.desk is not None:
            self.desk.end()  # whatever killed it
        self.reached.append(0)
        self.died = self.stage.signal()
        self.desk = Desk(self)
        self.runs.set()
        await self.desk.boot()

    def run(self, body: Coroutine[Any, Any, Any]) -> None:
        """Run this on the machine."""
        if self.sim is not None:
            self.host.create_task(body)
            return
        task = asyncio.get_running_loop().create_task(body)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def here(self) -> None:
        """A place: something is about to be done to the world. Raises Killed where it is the end."""
        if not self.counting:
            return
        self.reached[-1] += 1
        if self.places and self.reached[-1] == self.places[0]:
            del self.places[0]
            self.runs = self.stage.signal()
            if self.sim is not None:
                self.host.crash(process_only=not self.power)
            if self.desk is not None:
                self.desk.end()
            self.died.set()
            raise Killed

    async def _listen(self) -> None:
        async for message in self.host.inbox(PORT):
            letter, answer = message.body
            letter.desk.hear(letter, answer)


class Desk:
    """What a coordinator's program can do, from one start to the next crash: its disk, and calls.

    Each thing that it does to the world may be its last.

    Attributes:
        files: the machine's disk, which survives as far as it was synced; empty at the first start.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine, self.stage, self.post = machine, machine.stage, machine.post
        self.program = machine.program()
        self.dead = False
        self.waiting: dict[int, Reply] = {}
        self.open: list[Reply] = []
        self.handles: list[File] = []
        self.up = Reply(self.stage)
        self.recovered = Reply(self.stage)

    @property
    def host(self) -> Host:
        """As the machine's."""
        return self.machine.host

    async def boot(self) -> None:
        """Let the program begin, and go on with what it finds."""
        asyncio.get_running_loop().set_exception_handler(without_the_dead)
        try:
            self.files = Watched(self, FOLDER)
            self.program.boot(self)
            self.up.end(True)
            await self.program.recover()
        except Killed:
            return
        self.recovered.end(True)

    def here(self) -> None:
        """As the machine's; nothing is done by who is dead."""
        if self.dead:
            raise Killed
        self.machine.here()

    def end(self) -> None:
        """The machine has died, or its disk is emptied for another order."""
        self.dead = True
        for file in self.handles:
            file.close()
        for reply in (*self.waiting.values(), *self.open, self.up, self.recovered):
            reply.end(None)

    async def offload(self, sync: Callable[[], None]) -> None:
        """Sync the disk, with the time that it takes: what blocks that write through `files` call `offload`."""
        sync()
        if self.machine.sim is not None:
            await asyncio.sleep(SYNC_S)

    async def call(self, to: str, what: str, order: Order, key: str = "", *, within_s: float = PATIENCE_S) -> bool:
        """The answer of a service. Raises TimeoutError: it may have done it, or may yet."""
        self.here()
        self.machine.calls += 1
        number, reply = self.machine.calls, Reply(self.stage)
        self.waiting[number] = reply
        self.post.send(Letter(self, to, what, order, key, number))
        try:
            async with asyncio.timeout(within_s):
                await reply.over
        finally:
            self.waiting.pop(number, None)
        self.here()
        assert reply.said is not None
        return reply.said

    def hear(self, letter: Letter, answer: bool) -> None:
        """An answer has come."""
        reply = self.waiting.get(letter.call)
        if reply is not None:
            reply.end(answer)

    # --- for clients ---------------------------------------------------------------------------------------------
    async def serve(self, order: Order) -> bool | None:
        """What a client is told: yes, no (nothing was done), or None: the machine died, or does not know."""
        await self.up.over
        reply = Reply(self.stage)
        if self.dead or self.machine.down:
            return None
        self.open.append(reply)
        self.machine.run(self._serve(order, reply))
        await reply.over
        return reply.said

    async def _serve(self, order: Order, reply: Reply) -> None:
        try:
            said: bool | None = None
            try:
                said = await self.program.order(order)
            except Exception as error:
                if getattr(error, "outcome", "") == "fail":
                    said = False
                elif not isinstance(error, OSError):  # a time limit is one
                    raise
            self.here()
        except Killed:
            return
        reply.end(said)


class Watched:
    """The disk of a machine, below a folder; each write and each sync is a place."""

    def __init__(self, desk: Desk, folder: str) -> None:
        self._desk, self._disk, self._folder = desk, desk.machine.disk, folder
        self._disk.makedirs(folder)
        self._disk.fsync_dir()  # the folder itself is there, whatever happens

    def _at(self, path: str) -> str:
        return f"{self._folder}/{path}" if path else self._folder

    def open(self, path: str, *, create: bool = False) -> WatchedFile:
        if create and not self.exists(path):
            self._desk.here()
        file = WatchedFile(self._desk, self._disk.open(self._at(path), create=create))
        self._desk.handles.append(file)
        return file

    def exists(self, path: str) -> bool:
        return self._disk.exists(self._at(path))

    def listdir(self, path: str = "") -> list[str]:
        return self._disk.listdir(self._at(path))

    def makedirs(self, path: str) -> None:
        self._desk.here()
        self._disk.makedirs(self._at(path))

    def rename(self, old: str, new: str) -> None:
        self._desk.here()
        self._disk.rename(self._at(old), self._at(new))

    def remove(self, path: str) -> None:
        self._desk.here()
        self._disk.remove(self._at(path))

    def fsync_dir(self, path: str = "") -> None:
        self._desk.here()
        self._disk.fsync_dir(self._at(path))


class WatchedFile:
    """An open file of it."""

    def __init__(self, desk: Desk, file: File) -> None:
        self._desk, self._file = desk, file

    @property
    def size(self) -> int:
        return self._file.size

    def append(self, data: bytes | bytearray | memoryview) -> int:
        self._desk.here()
        return self._file.append(data)

    def write_at(self, position: int, data: bytes | bytearray | memoryview) -> None:
        self._desk.here()
        self._file.write_at(position, data)

    def read_at(self, position: int, size: int) -> bytes:
        return self._file.read_at(position, size)

    def truncate(self, size: int) -> None:
        self._desk.here()
        self._file.truncate(size)

    def fsync(self) -> None:
        self._desk.here()
        self._desk.machine.syncs += 1
        self._file.fsync()

    def close(self) -> None:
        self._file.close()
