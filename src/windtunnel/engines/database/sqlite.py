"""SQLite behind the database port: real files, one writer at a time, a thread for each connection.

What SQLite is: transactions are serializable; readers see a snapshot (write-ahead log) and never wait; there is one
write lock for the whole file. A transaction that read first and writes later, after somebody else wrote, is refused
at once (SQLITE_BUSY_SNAPSHOT), which the port calls `Aborted`. So weaker isolation levels give the stronger one here,
except that a statement alone is always its own transaction. It is one file: it has no standby.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from windtunnel.engines.database.checks import Autocommit, Checked, Tables, check_isolation
from windtunnel.engines.database.port import (
    Aborted,
    Changes,
    Conflict,
    Isolation,
    Row,
    Standby,
    Value,
    Where,
    no_standby,
)
from windtunnel.engines.database.sql import Dialect, Statement
from windtunnel.engines.errors import Unavailable

DIALECT = Dialect(
    numbered=False, types={int: "INTEGER", float: "REAL", str: "TEXT"}, lock_clause="", counts_loosely=True
)
BUSY_TIMEOUT_S = 30.0
OVER = "A statement of this transaction was refused: nothing of it happened."
MACHINE = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_NOMEM")
"""What goes wrong with the machine, whatever the statement was."""


def _translate(error: sqlite3.Error) -> Exception:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (getattr(sqlite3, name) for name in MACHINE):
        return ConnectionError(f"SQLite cannot use its file: {error}.")
    if code == sqlite3.SQLITE_BUSY:
        return Aborted(f"SQLite refused to write: {error}.")
    if getattr(error, "sqlite_errorname", "") == "SQLITE_CONSTRAINT_CHECK":
        return ValueError(f"A number does not fit its column: {error}.")
    if isinstance(error, sqlite3.IntegrityError):
        return Conflict(str(error))
    return error


class _Connection:
    """One connection and the thread that owns it."""

    def __init__(self, path: Path, synchronous: str) -> None:
        self.lost: ConnectionError | None = None
        self.looked = 0
        self.counts = False
        """Whether it counts the steps of a statement."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        self._opened = self._thread.submit(self._open, path, synchronous)

    @staticmethod
    def _open(path: Path, synchronous: str) -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        return connection

    async def do(self, statement: Statement) -> tuple[list[Row], int]:
        """Run one statement in the connection's thread; its rows and the number of rows that it changed."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, statement)

    def _do(self, statement: Statement) -> tuple[list[Row], int]:
        text, arguments = statement
        try:
            connection = self._opened.result()
            if self.counts:  # from then on
                connection.set_progress_handler(self._step, 1)
            cursor = connection.execute(text, arguments)
            return [dict(row) for row in cursor.fetchall()], cursor.rowcount
        except sqlite3.Error as error:
            said = _translate(error)
            if isinstance(said, ConnectionError):
                self.lost = said
            raise said from error

    def _step(self) -> int:
        self.looked += 1
        return 0

    async def fill(self, text: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run one statement for each of these rows, in a transaction."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._fill, text, rows)

    def _fill(self, text: str, rows: Sequence[Sequence[Value]]) -> None:
        try:
            with self._opened.result() as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(text, rows)
        except sqlite3.Error as error:
            raise _translate(error) from error

    def roll_back(self) -> None:
        """Queue a rollback behind whatever still runs; harmless where there is no transaction."""
        self._thread.submit(lambda: self._opened.result().rollback())

    def close(self) -> None:
        """Close, after what was queued."""
        self._thread.submit(lambda: self._opened.result().close())
        self._thread.shutdown(wait=True)


class _Session:
    """The statements of the port on one connection."""

    def __init__(self, connection: _Connection, *, lazy_begin: bool) -> None:
        self._connection = connection
        self._to_begin = lazy_begin
        self.refused = False
        """A statement of it was. SQLite would go on; the port's transactions are then over."""

    async def _do(self, statement: Statement, *, writes: bool) -> tuple[list[Row], int]:
        if self._to_begin:
            # A transaction whose first statement writes (or locks) queues for the write lock; one that reads first
            # takes a snapshot, and may find at its first write that it is too old.
            self._to_begin = False
            await self._connection.do(("BEGIN IMMEDIATE" if writes else "BEGIN DEFERRED", []))
        if self.refused:
            raise Aborted(OVER)
        try:
            return await self._connection.do(statement)
        except Exception:
            self.refused = True
            raise

    async def get(self, table: str, key: Value, *, lock: bool = False) -> Row | None:
        rows, _ = await self._do(DIALECT.get(table, key, lock), writes=lock)
        return rows[0] if rows else None

    async def select(
        self,
        table: str,
        where: Where | None = None,
        *,
        order_by: str = "id",
        descending: bool = False,
        limit: int | None = None,
        lock: bool = False,
        skip_locked: bool = False,
    ) -> list[Row]:
        statement = DIALECT.select(table, where, order_by, descending, limit, lock, skip_locked)
        return (await self._do(statement, writes=lock))[0]

    async def count(self, table: str, where: Where | None = None) -> int:
        ((row,), _) = await self._do(DIALECT.count(table, where), writes=False)
        return int(row["many"] or 0)

    async def insert(self, table: str, row: Mapping[str, Value]) -> None:
        await self._do(DIALECT.insert(table, row), writes=True)

    async def update(self, table: str, where: Where, changes: Changes) -> int:
        return (await self._do(DIALECT.update(table, where, changes), writes=True))[1]

    async def update_returning(self, table: str, where: Where, changes: Changes) -> list[Row]:
        return (await self._do(DIALECT.update_returning(table, where, changes), writes=True))[0]

    async def rank_all(self, table: str, where: Where, *, by: str, into: str) -> int:
        return (await self._do(DIALECT.rank_all(table, where, by, into), writes=True))[1]

    async def delete(self, table: str, where: Where) -> int:
        return (await self._do(DIALECT.delete(table, where), writes=True))[1]


class SqliteDatabase(Autocommit):
    """SQLite, in a temporary file.

    A pool of connections to it.

    Args:
        path: the file; a temporary folder of our own where it is None, removed by `close`.
        connections: how many statements can run at once; the rest wait in the order in which they came.
        synchronous: FULL syncs at every commit, as a bank would.

    Raises:
        Unavailable: there is no folder for the file.
    """

    def __init__(
        self,
        name: str = "db",
        path: Path | None = None,
        connections: int = 8,
        synchronous: str = "FULL",
        standbys: int = 0,
        standby_lag_s: float | Sequence[float] = 0.0,
        acknowledge: str = "committed",
        quorum: int = 0,
    ) -> None:
        if standbys:
            raise ValueError("SQLite is one file and has no standby; take stage sim, or PostgreSQL.")
        self.name = name
        self._tables = Tables()
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        if path is None:
            try:
                self._folder = tempfile.TemporaryDirectory(prefix="windtunnel-sqlite-")
            except OSError as error:
                raise Unavailable(f"SQLite has no folder for its file: {error.strerror}.") from error
            path = Path(self._folder.name) / f"{name}.sqlite"
        self._path = path
        self._synchronous = synchronous
        self._connections = connections
        self._all: list[_Connection] = []
        self._counts = False
        self._free: asyncio.Queue[_Connection] = asyncio.Queue()

    @property
    def standby(self) -> Standby:
        raise no_standby(self.name)

    @property
    def standbys(self) -> Sequence[Standby]:
        return ()

    async def position(self) -> int:
        raise ValueError("SQLite counts no positions; take stage sim, or PostgreSQL.")

    def looked(self) -> int:
        """As the port's: steps of the engine's own machine: a few for each row, in some versions one."""
        self._counts = True
        for connection in self._all:
            connection.counts = True
        return sum(connection.looked for connection in self._all)

    def promote(self) -> None:
        raise no_standby(self.name)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[_Connection]:
        if self._free.empty() and len(self._all) < self._connections:
            self._all.append(_Connection(self._path, self._synchronous))
            connection = self._all[-1]
            connection.counts = self._counts
        else:
            connection = await self._free.get()
        try:
            yield connection
        finally:
            self._free.put_nowait(connection)

    async def create_table(
        self,
        table: str,
        columns: Mapping[str, type],
        rows: Sequence[Mapping[str, Value]] = (),
        *,
        unique: Sequence[Sequence[str]] = (),
    ) -> None:
        self._tables.make(table, columns, rows, unique)
        async with self._connection() as connection:
            await connection.do((f'DROP TABLE IF EXISTS "{table}"', []))
            await connection.do((DIALECT.create(table, columns, unique), []))
            if rows:
                text, _ = DIALECT.insert(table, dict.fromkeys(columns))
                await connection.fill(text, [[row.get(column) for column in columns] for row in rows])

    @asynccontextmanager
    async def transaction(self, isolation: Isolation = "read committed") -> AsyncIterator[Checked]:
        check_isolation(isolation)
        async with self._connection() as connection:
            session = _Session(connection, lazy_begin=True)
            checked = Checked(session, self._tables)
            try:
                yield checked
                if session.refused:
                    raise Aborted(OVER)
                if not session._to_begin:
                    await connection.do(("COMMIT", []))
            except BaseException:
                connection.roll_back()
                raise
            finally:
                checked.over = True

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[_Session]:
        async with self._connection() as connection:
            yield _Session(connection, lazy_begin=False)

    async def close(self) -> None:
        """Close the connections, and remove the folder where it is ours.

        Raises:
            Unavailable: the file could not be used (a full disk): what was measured counts for nothing.
        """
        for connection in self._all:
            connection.close()
        lost = next((c.lost for c in self._all if c.lost is not None), None)
        self._all.clear()
        if self._folder is not None:
            self._folder.cleanup()
        if lost is not None:
            raise Unavailable(str(lost))
