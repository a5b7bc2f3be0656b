"""A server on which a design runs, and is killed: what it can do to the world, each statement and message a place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from windtunnel import Stage
from windtunnel.blocks.durability import KeyBusy, KeyReused
from windtunnel.catalogue.interview.q15_payments.world import (
    HOP_S,
    PATIENCE_S,
    PLACES,
    PORT,
    Act,
    Heard,
    Killed,
    Letter,
    Payment,
    Post,
)
from windtunnel.engines import DatabasePort, Statements
from windtunnel.parts import WatchedStatements

if TYPE_CHECKING:
    from windtunnel.sim import Host

T = TypeVar("T")
BUSY, REFUSED = "busy", "reused"
"""What a payer is told whose key is being worked on, and whose key belongs to another payment."""


def without_the_dead(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a loop tells of tasks that failed and that nobody awaits; those of a dead machine did not fail."""
    if not isinstance(context.get("exception"), Killed):
        loop.default_exception_handler(context)


class Program(Protocol):
    """What runs on a server, from one start to the next crash."""

    def boot(self, desk: Desk) -> None: ...

    async def pay(self, payment: Payment) -> str: ...

    async def sweep(self) -> None: ...


class Machine:
    """What is killed and starts again: in the tunnel a host, elsewhere all that runs for it."""

    def __init__(
        self, stage: Stage, name: str, db: DatabasePort, post: Post, program: Callable[[], Program], act: Act
    ) -> None:
        self.stage, self.name, self.db, self.post, self.program, self.act = stage, name, db, post, program, act
        self.sim = stage.sim if stage.name == "sim" else None
        self.tasks: set[asyncio.Task[Any]] = set()
        self.calls = self.writes = self.commits = 0
        self.desk: Desk | None = None
        self.runs = stage.signal()
        """That a program runs on it."""
        self.host: Host
        if self.sim is not None:
            self.host = stage.host(name)
            for place in PLACES:
                stage.network.connect(self.host, stage.host(place), latency=HOP_S)
            self.host.start(self._listen, light=True)
            self.host.start(self._main)

    def begin(self) -> None:
        """A payment will come; what an earlier one left in memory is gone."""
        if self.desk is not None:
            self.desk.end()
        self.writes = self.commits = 0
        if self.sim is None:
            self.restart()
        elif not self.host.down:
            self.host.create_task(self._main())

    def crash(self, *, power: bool) -> None:
        """Nothing of it runs any more."""
        self.runs = self.stage.signal()
        if self.sim is not None:
            self.host.crash(process_only=not power)
        if self.desk is not None:
            self.desk.end()

    def restart(self) -> None:
        """It runs again, and knows nothing."""
        if self.sim is None:
            self.desk = Desk(self)
            self.runs.set()
        elif self.host.down:
            self.host.restart()

    @property
    def down(self) -> bool:
        """Whether nothing runs on it."""
        return self.desk is None or self.desk.dead or (self.sim is not None and self.host.down)

    async def _main(self) -> None:
        asyncio.get_running_loop().set_exception_handler(without_the_dead)
        if self.desk is not None:
            self.desk.end()  # whatever killed it
        self.desk = Desk(self)
        self.runs.set()

    def run(self, body: Coroutine[Any, Any, Any]) -> None:
        """Run this on the machine."""
        if self.sim is not None:
            self.host.create_task(body)
            return
        task = asyncio.get_running_loop().create_task(body)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _listen(self) -> None:
        async for message in self.host.inbox(PORT):
            letter, answer = message.body
            letter.desk.hear(letter, answer)


class Desk:
    """What a server's program can do, from one start to the next crash: statements, messages. Each may be its last.

    Attributes:
        db: the database that all servers share.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine, self.stage, self.post = machine, machine.stage, machine.post
        self.dead = False
        self.waiting: dict[int, Heard] = {}
        self.open: list[Heard] = []
        self.db = Database(self, machine.db)
        self.program = machine.program()
        self.program.boot(self)

    @property
    def host(self) -> Host:
        """As the machine's."""
        return self.machine.host

    def clock(self) -> float:
        """The time of the day, as this machine has it."""
        return self.host.clock.time() if self.machine.sim is not None else time.time()

    async def here(self, what: str) -> None:
        """A place: this is about to be done. Raises Killed where it is the end."""
        if self.dead:
            raise Killed
        await self.machine.act(self.machine, what)
        if self.dead:
            raise Killed

    def end(self) -> None:
        """The machine has died."""
        self.dead = True
        for heard in (*self.waiting.values(), *self.open):
            heard.end(None)

    async def call(self, to: str, what: str, *args: Any) -> Any:
        """The answer of the bank or the shop. Raises TimeoutError: it may have done it, or may yet."""
        await self.here(f"{to}: {what}")
        self.machine.calls += 1
        number, heard = self.machine.calls, Heard(self.stage)
        self.waiting[number] = heard
        self.post.send(Letter(self, to, what, args, number))
        await self.here(f"{to}: {what}, sent")
        try:
            async with asyncio.timeout(PATIENCE_S + self.post.bank_s):
                await heard.over
        finally:
            self.waiting.pop(number, None)
        if self.dead:
            raise Killed
        return heard.said

    def hear(self, letter: Letter, answer: Any) -> None:
        """An answer has come."""
        heard = self.waiting.get(letter.call)
        if heard is not None:
            heard.end(answer)

    def committed(self, wrote: bool) -> None:
        """A transaction has ended. Raises ConnectionResetError where its answer is lost."""
        self.machine.commits += wrote
        trouble = self.post.trouble
        if wrote and trouble.how == "commit" and self.machine.commits == trouble.message:
            raise ConnectionResetError("The connection broke off: the answer to the commit will not come.")

    # --- for payers ----------------------------------------------------------------------------------------------
    async def serve(self, payment: Payment | None) -> str | None:
        """What a payer is told; None: nothing. Without a payment it is the job that runs every minute."""
        heard = Heard(self.stage)
        if self.dead or self.machine.down:
            return None
        self.open.append(heard)
        self.machine.run(self._serve(payment, heard))
        await heard.over
        self.open.remove(heard)
        if isinstance(heard.said, Exception):
            raise heard.said  # the design is broken
        said: str | None = heard.said
        return said

    async def _serve(self, payment: Payment | None, heard: Heard) -> None:
        said: str | Exception | None = None
        try:
            try:
                if payment is None:
                    await self.program.sweep()
                    said = "swept"
                else:
                    said = str(await self.program.pay(payment))
            except KeyBusy:
                said = BUSY
            except KeyReused:
                said = REFUSED
            except Exception as error:
                if not isinstance(error, OSError) and not getattr(error, "outcome", ""):
                    said = error
            if payment is not None:
                await self.here("payer: told")
        except Killed:
            return
        heard.end(said)


class Watched(WatchedStatements):
    """Statements, each of which is a place, on their way to the database or to one of its transactions."""

    def __init__(self, desk: Desk, to: Statements, alone: bool) -> None:
        super().__init__(to)
        self._desk, self._alone = desk, alone
        self.wrote = False

    async def _read(self, table: str, do: Callable[[], Awaitable[T]]) -> T:
        await self._desk.here(f"read {table}")
        return await do()

    async def _write(self, what: str, do: Callable[[], Awaitable[T]]) -> T:
        await self._desk.here(what)
        self._desk.machine.writes += 1
        self.wrote = True
        done = await do()
        if self._alone:
            self._desk.committed(wrote=True)
        return done


class Database(Watched):
    """The database, as a program sees it: its commits are places too."""

    def __init__(self, desk: Desk, db: DatabasePort) -> None:
        super().__init__(desk, db, alone=True)
        self._db = db

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Watched]:
        """Statements that happen together.

        Raises:
            ConnectionError: the connection broke off; nobody can tell whether they happened.
        """
        async with self._db.transaction() as t:
            watched = Watched(self._desk, t, alone=False)
            yield watched
            await self._desk.here("commit")
        self._desk.committed(watched.wrote)


Tables = Mapping[str, tuple[Mapping[str, type], Sequence[Sequence[str]]]]
"""What a design keeps: columns, and which of them no two rows may share."""
