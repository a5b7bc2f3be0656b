"""Processes in which a design runs, and what each can ask of the world: each question is a place at which it may end.

Between two of them a process changes nothing but its memory, which dies with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Protocol, TypeVar

from windtunnel import Stage
from windtunnel.engines import CachePort, DatabasePort, Isolation, Statements, Value
from windtunnel.parts import WatchedStatements

T = TypeVar("T")


class Layout(NamedTuple):
    """A table: its columns, and of which an index is kept; each ends with the key, so that it is unique."""

    columns: Mapping[str, type]
    indexes: Sequence[Sequence[str]] = ()


class Setting(Protocol):
    """What of the parameters matters to designs."""

    @property
    def width(self) -> int: ...
    @property
    def most(self) -> int: ...


class Entry(NamedTuple):
    """Who, with how many points."""

    member: int
    points: int


class Program(Protocol):
    """What runs in a process, from its start to its end. A day has a board of its own.

    A board's order: most points first, of equals the one with the greater number. A rank is 1 + how many have more.
    """

    tables: Mapping[str, Layout]
    caches: int

    def boot(self, desk: Desk) -> None:
        """The process has started; what another one knows is in what lasts."""

    async def add(self, day: int, member: int, points: int) -> int:
        """Give (or take) points, who is new begins with none; what he has then."""

    async def rank(self, day: int, member: int) -> int | None:
        """His rank; None where he has no points."""

    async def top(self, day: int, many: int) -> Sequence[Entry]:
        """The first so many, in order."""

    async def around(self, day: int, member: int, many: int) -> Sequence[Entry]:
        """Up to so many before him, himself, up to so many behind, in order; nobody where he is not there."""

    async def friends(self, day: int, members: Sequence[int]) -> Sequence[Entry]:
        """Those of these who are there, in order."""

    async def forget(self, day: int) -> None:
        """Nobody asks about this day any more."""

    async def fill(self, day: int, entries: Sequence[Entry]) -> None:
        """All these at once, before anybody asks; of other days nothing is needed any more."""

    async def turn(self, day: int) -> None:
        """A job, now and then."""


class Killed(BaseException):
    """The process is dead, and nothing of it goes on. No `Exception`: nobody is there to catch it."""


class World:
    """What lasts: a database and caches, as far as a design has something there; and what they were asked."""

    def __init__(self, stage: Stage, tables: Mapping[str, Layout], caches: int, row_s: float) -> None:
        self.tables = tables
        self.db: DatabasePort | None = stage.database("db", connections=16, model={"row_s": row_s}) if tables else None
        self.caches: list[CachePort] = [stage.cache(f"cache {i}", connections=16) for i in range(caches)]
        self.done: Counter[str] = Counter()
        """Questions that were asked, rows that were written, and characters that were carried."""

    def asked(self, told: object, found: object) -> None:
        """A question was asked with these words, and answered."""
        self.done["asked"] += 1
        self.done["carried"] += len(repr(told)) + len(repr(found))

    def looked(self) -> int | None:
        """Rows and entries that were looked at so far; None where an engine does not say."""
        found = [one.looked() for one in self.caches]
        if self.db is not None:
            found.append(self.db.looked())
        return None if None in found else sum(one or 0 for one in found)


Act = Callable[[Any, str], Awaitable[None]]
"""Told before each place of a process; raises Killed where it is the end."""


class Desk:
    """What a process has of the world: `db`, as its port, and `caches`, each as its port."""

    def __init__(self, world: World, act: Act) -> None:
        self.world, self._act = world, act
        self.dead = False
        self.caches: list[CachePort] = [Placed(self, one) for one in world.caches]  # type: ignore[misc]  # has what it has

    @property
    def db(self) -> Database:
        """The database."""
        assert self.world.db is not None, "A design that asks the database names its tables."
        return Database(self, self.world.db)

    async def here(self, what: str) -> None:
        """A place. Raises Killed where it is the end."""
        if self.dead:
            raise Killed
        await self._act(self, what)
        if self.dead:
            raise Killed


class Placed:
    """A cache each of whose commands is a place."""

    def __init__(self, desk: Desk, port: CachePort) -> None:
        self._desk, self._port = desk, port

    def __getattr__(self, what: str) -> Callable[..., Awaitable[Any]]:
        do, desk = getattr(self._port, what), self._desk

        async def placed(*args: Any, **options: Any) -> Any:
            await desk.here(what)
            found = await do(*args, **options)
            desk.world.asked(args, found)
            return found

        return placed


class Said(WatchedStatements):
    """Statements on their way to the database or to one of its transactions."""

    def __init__(self, desk: Desk, to: Statements) -> None:
        super().__init__(to)
        self._desk = desk
        self.wrote = False

    async def _read(self, table: str, do: Callable[[], Awaitable[T]]) -> T:
        await self._desk.here(f"read {table}")
        found = await do()
        self._desk.world.asked((), found)
        return found

    async def _write(self, what: str, do: Callable[[], Awaitable[T]]) -> T:
        await self._desk.here(what)
        self.wrote = True
        done = await do()
        self._desk.world.asked((), done)
        many = done if isinstance(done, int) else len(done) if isinstance(done, list) else 1
        self._desk.world.done["written"] += many
        return done


class Database(Said):
    """The database, as a program sees it."""

    def __init__(self, desk: Desk, db: DatabasePort) -> None:
        super().__init__(desk, db)
        self._db = db

    @asynccontextmanager
    async def transaction(self, isolation: Isolation = "read committed") -> AsyncIterator[Said]:
        """Statements that happen together."""
        async with self._db.transaction(isolation) as t:
            said = Said(self._desk, t)
            yield said
            if said.wrote:
                await self._desk.here("commit")

    async def make(self, table: str, rows: Sequence[Mapping[str, Value]] = ()) -> None:
        """A table of the design, with these rows and no others."""
        kept = self._desk.world.tables[table]
        await self._db.create_table(table, kept.columns, rows, unique=kept.indexes)
