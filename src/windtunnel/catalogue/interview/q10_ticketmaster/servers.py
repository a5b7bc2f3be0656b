"""Servers that sell, and die: each statement, commit, command of the cache, and answer is a place at which one may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from inspect import isawaitable, iscoroutinefunction
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from windtunnel import Stage
from windtunnel.engines import CachePort, DatabasePort, Isolation, Statements, Value
from windtunnel.parts import WatchedStatements

if TYPE_CHECKING:
    from windtunnel.sim import Host

T = TypeVar("T")
PAYS_S = 0.01
"""In so many seconds each buyer pays, where a ticket is held first."""
PORTS = ("queue", "log", "objects", "server")
"""What else a program may ask a stage for; what is said to these is no place."""


class Killed(BaseException):
    """The server is dead, and nothing that runs on it goes on. No `Exception`: nobody is there to catch it."""


def without_the_dead(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What a loop tells of tasks that failed and that nobody awaits; those of a dead server did not fail."""
    if not isinstance(context.get("exception"), Killed):
        loop.default_exception_handler(context)


class Heard:
    """An answer that a buyer waits for: silence until it is there, and for ever where the server has died."""

    def __init__(self, stage: Stage) -> None:
        self.over = stage.signal()
        self.outcome, self.value = "unknown", None
        self.error: Exception | None = None

    def end(self, outcome: str, value: Any = None, error: Exception | None = None) -> None:
        """It has come, or will not any more."""
        if not self.over.done():
            self.outcome, self.value, self.error = outcome, value, error
            self.over.set()


class Around(Protocol):
    """What a life has around it: the sale that it serves."""

    stage: Stage
    ports: dict[tuple[str, str], Any]

    def port(self, kind: str, name: str, options: Mapping[str, Any]) -> Any: ...

    def reach(self, life: Life, what: str) -> None: ...


class Server:
    """What is killed and starts again: in the tunnel a host, elsewhere all tasks that run for it."""

    life: Life

    def __init__(self, stage: Stage, name: str) -> None:
        self.stage = stage
        self.host: Host | None = stage.host(name) if stage.name == "sim" else None
        self.tasks: set[asyncio.Task[Any]] = set()

    def begin(self, life: Life) -> None:
        """A new life; nothing of an earlier one runs any more."""
        if self.host is not None:
            self.host.crash(process_only=True)
            self.host.restart()
        loop = asyncio.get_running_loop() if self.host is None else self.host.loop
        loop.set_exception_handler(without_the_dead)
        self.life = life

    def die(self, *, power: bool) -> None:
        """Nothing of it runs any more."""
        if self.host is not None:
            self.host.crash(process_only=not power)
        self.life.end()

    def run(self, body: Coroutine[Any, Any, Any]) -> None:
        """Run this on it."""
        if self.host is not None:
            self.host.create_task(body)
            return
        task = asyncio.get_running_loop().create_task(body)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


class Life:
    """A server from its start to its death: the design, made anew, and whom it has not answered yet.

    Args:
        make: makes the design, for the stage as this life sees it.
    """

    def __init__(self, sale: Around, server: Server, make: Callable[[Within], Any]) -> None:
        self.sale, self.server = sale, server
        self.dead = False
        self.open: list[Heard] = []
        self.program = make(Within(self))

    def here(self, what: str) -> None:
        """A place: this is about to be done. Raises Killed where it is the end."""
        if not self.dead:
            self.sale.reach(self, what)
        if self.dead:
            raise Killed

    def end(self) -> None:
        """It has died: who waits hears nothing."""
        self.dead = True
        for heard in self.open:
            heard.end("unknown")

    async def ask(self, buyer: int, limit_s: float) -> Heard:
        """What a buyer hears."""
        heard = Heard(self.sale.stage)
        self.open.append(heard)
        self.server.run(self._serve(buyer, heard))
        try:
            async with asyncio.timeout(limit_s):
                await heard.over
        except TimeoutError:
            heard.end("unknown")
        self.open.remove(heard)
        if heard.error is not None:
            raise heard.error  # the design is broken
        return heard

    async def _serve(self, buyer: int, heard: Heard) -> None:
        said: tuple[str, Any, Exception | None]
        try:
            try:
                found = self.program.buy(buyer, PAYS_S)
                said = ("ok", await found if isawaitable(found) else found, None)
            except Exception as error:
                said = ("fail", None, None if isinstance(error, OSError) or hasattr(error, "outcome") else error)
            self.here("buyer: told")
        except Killed:
            return
        heard.end(*said)


class Within:
    """The stage, as the program of a server sees it: its databases and caches are those of one sale."""

    def __init__(self, life: Life) -> None:
        self.life = life

    def __getattr__(self, name: str) -> Any:
        """All else is the stage's."""
        if name.startswith("__"):
            raise AttributeError(name)
        if name in PORTS:
            return lambda called=name, **options: self.life.sale.port(name, called, options)
        return getattr(self.life.sale.stage, name)

    def database(self, name: str = "db", **options: Any) -> WatchedDatabase:
        """As the stage's."""
        return WatchedDatabase(self.life, self.life.sale.port("database", name, options))

    def cache(self, name: str = "cache", **options: Any) -> WatchedCache:
        """As the stage's."""
        return WatchedCache(self.life, self.life.sale.port("cache", name, options))


class Watched(WatchedStatements):
    """Statements, each of which is a place, on their way to the database or to one of its transactions."""

    def __init__(self, life: Life, to: Statements) -> None:
        super().__init__(to)
        self._life = life

    async def _read(self, table: str, do: Callable[[], Awaitable[T]]) -> T:
        self._life.here(f"read {table}")
        return await do()

    async def _write(self, what: str, do: Callable[[], Awaitable[T]]) -> T:
        self._life.here(what)
        return await do()


class WatchedDatabase(Watched):
    """The database, as a program sees it: its commits are places too."""

    def __init__(self, life: Life, db: DatabasePort) -> None:
        super().__init__(life, db)
        self._db = db

    def __getattr__(self, name: str) -> Any:
        """All else is the database's."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._db, name)

    async def create_table(
        self,
        table: str,
        columns: Mapping[str, type],
        rows: Sequence[Mapping[str, Value]] = (),
        *,
        unique: Sequence[Sequence[str]] = (),
    ) -> None:
        """As the port's: before the sale begins nobody dies."""
        await self._db.create_table(table, columns, rows, unique=unique)

    @asynccontextmanager
    async def transaction(self, isolation: Isolation = "read committed") -> AsyncIterator[Watched]:
        """As the port's."""
        async with self._db.transaction(isolation) as t:
            yield Watched(self._life, t)
            self._life.here("commit")


class WatchedCache:
    """The cache, as a program sees it: each command is a place."""

    def __init__(self, life: Life, cache: CachePort) -> None:
        self._life, self._cache = life, cache

    def __getattr__(self, name: str) -> Any:
        """All is the cache's."""
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(self._cache, name)
        if not iscoroutinefunction(found):
            return found

        async def asked(*args: Any, **named: Any) -> Any:
            self._life.here(f"cache: {name}")
            return await found(*args, **named)

        return asked
