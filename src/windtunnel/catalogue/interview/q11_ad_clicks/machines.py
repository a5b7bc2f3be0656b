"""Processes in which a design runs, and what each can do to the world: every effect is a place at which it ends.

An effect is a commit, a record that is appended, an object that is put, a command that changes the cache, and the word
to the browser. Between two of them a process changes nothing but its memory, which dies with it; so dying before each
of them is dying anywhere. What is said in a transaction is no effect until it is committed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, Protocol, TypeVar

from windtunnel import Stage
from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click
from windtunnel.engines import CachePort, DatabasePort, LogPort, ObjectsPort, Row, Statements, Value
from windtunnel.parts import WatchedStatements

T = TypeVar("T")
Role = Literal["server", "job", "clerk"]
"""Who takes clicks, who works on them, and who is asked for the bill."""
Tables = Mapping[str, Mapping[str, type]]
"""What a design keeps in the database: columns by table."""
Bill = dict[tuple[int, int], int]
"""Cents by ad and the beginning of a window, in milliseconds."""
EFFECTS = {
    "log": {"append", "commit", "trim"},
    "store": {"put", "delete"},
    "cache": {
        *("set", "delete", "compare_and_set", "increment", "run"),
        *("zset_add", "zset_increment", "zset_remove"),
    },
}
"""What changes something, by port."""

BEGIN = "db: begin"
"""No effect; but who stands still here has looked, and has not yet kept anybody from a row."""


class Killed(BaseException):
    """The process is dead, and nothing of it goes on. No `Exception`: nobody is there to catch it."""


class Program(Protocol):
    """What runs in a process, from its start to its end."""

    def boot(self, desk: Desk) -> None:
        """The process has started; what another life of it knew is in what lasts."""

    async def click(self, click: Click) -> None:
        """A browser tells of a click; when this returns, it is told that it need not tell again."""

    async def work(self) -> None:
        """A turn of the job: work on what there is."""

    async def settle(self) -> None:
        """The job of the night."""

    async def bill(self, since_ms: int, until_ms: int) -> Bill:
        """What is billed for the windows that begin at or after the one moment and before the other."""


class World:
    """What lasts: a database, a log, a cache, a store of objects; and what was done to them."""

    def __init__(self, stage: Stage, keeps: bool) -> None:
        self.stage = stage
        self.db = stage.database("db", connections=16)
        self.log = stage.log("log")
        self.objects = stage.objects("objects")
        self.keeps = keeps
        self._cache: CachePort | None = None
        self.done: Counter[str] = Counter()
        """Rows that were written, commits, bytes of objects, rows and records that were read, and the like."""

    @property
    def cache(self) -> CachePort:
        """A server of its own, made for whoever needs it."""
        if self._cache is None:
            self._cache = self.stage.cache("cache", connections=16, durable=self.keeps)
        return self._cache

    def open(self) -> None:
        """Make the cache too: in the tunnel it is there beside every design."""
        self.cache  # noqa: B018  (made by being asked for)

    def things(self) -> list[Any]:
        """What loses its power together with the processes."""
        return [self.db, self.log, *([self._cache] if self._cache is not None else [])]


Act = Callable[[Any, str], Awaitable[None]]
"""Told before each effect of a process; raises Killed where it is the end."""


class Desk:
    """What a process has of the world.

    Attributes:
        db, log, cache, objects: as their ports.
        day: the first offset of the log that is kept: what is older was put away at night.
        day_ms: and the first moment of event time.
    """

    def __init__(self, world: World, act: Act, day: int, day_ms: int) -> None:
        self.world, self.act, self.day, self.day_ms = world, act, day, day_ms
        self.dead = False
        self.db = Database(self, world.db)
        self.log: LogPort = Placed(self, "log", world.log)  # type: ignore[assignment]  # has what the port has
        self.objects: ObjectsPort = Placed(self, "store", world.objects)  # type: ignore[assignment]  # the same

    @property
    def cache(self) -> CachePort:
        """The cache."""
        return Placed(self, "cache", self.world.cache)  # type: ignore[return-value]  # has what the port has

    async def here(self, what: str) -> None:
        """A place: this is about to be done. Raises Killed where it is the end."""
        if self.dead:
            raise Killed
        await self.act(self, what)
        if self.dead:
            raise Killed

    def count(self, what: str, many: int = 1) -> None:
        """So much was done."""
        self.world.done[what] += many


class Placed:
    """A port each of whose effects is a place."""

    def __init__(self, desk: Desk, name: str, port: Any) -> None:
        self._desk, self._name, self._port = desk, name, port

    def __getattr__(self, what: str) -> Callable[..., Awaitable[Any]]:
        do, name, desk = getattr(self._port, what), self._name, self._desk

        async def placed(*args: Any, **options: Any) -> Any:
            if what in EFFECTS[name]:
                await desk.here(f"{name}: {what}")
                desk.count({"log": "appends" if what == "append" else "notes", "store": "puts"}.get(name, "commands"))
                if name == "store" and what == "put":
                    desk.count("bytes", len(args[1]))
            elif desk.dead:
                raise Killed
            found = await do(*args, **options)
            if what == "read":
                desk.count("records", len(found))
            return found

        return placed


class Said(WatchedStatements):
    """Statements on their way to the database or to one of its transactions."""

    def __init__(self, desk: Desk, to: Statements, alone: bool) -> None:
        super().__init__(to)
        self._desk, self._alone = desk, alone
        self.wrote = False

    async def _read(self, table: str, do: Callable[[], Awaitable[T]]) -> T:
        if self._desk.dead:
            raise Killed
        found = await do()
        if isinstance(found, list):
            self._desk.count("read", len(found))
        return found

    async def get(self, table: str, key: Value, *, lock: bool = False) -> Row | None:
        if not self._desk.dead:  # a row counts when it is asked for, whoever hears of it
            self._desk.count("read")
        return await super().get(table, key, lock=lock)

    async def _write(self, what: str, do: Callable[[], Awaitable[T]]) -> T:
        if self._alone:
            await self._desk.here(f"db: {what}")
            self._desk.count("commits")
        elif self._desk.dead:
            raise Killed
        self.wrote = True
        done = await do()
        self._desk.count("rows", done if isinstance(done, int) else len(done) if isinstance(done, list) else 1)
        return done


class Database(Said):
    """The database, as a program sees it."""

    def __init__(self, desk: Desk, db: DatabasePort) -> None:
        super().__init__(desk, db, alone=True)
        self._db = db

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Said]:
        """Statements that happen together."""
        await self._desk.here(BEGIN)
        async with self._db.transaction() as t:
            said = Said(self._desk, t, alone=False)
            yield said
            if said.wrote:
                await self._desk.here("db: commit")
                self._desk.count("commits")
