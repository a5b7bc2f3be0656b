"""A second PostgreSQL that follows the first by streaming its log, and can be read."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from windtunnel.engines.database.checks import Checked, check_standby_isolation
from windtunnel.engines.database.port import Isolation
from windtunnel.engines.database.postgres import PostgresDatabase, translated
from windtunnel.engines.errors import Unavailable
from windtunnel.engines.shared.servers import Guarded

if TYPE_CHECKING:
    import asyncpg

PATIENCE_S = 30.0
"""How long a server may take to do what it was told."""
POLL_S = 0.01


class PostgresStandby(PostgresDatabase):
    """The standby: a server of our own, made from a copy of its primary.

    Args:
        schema: where its primary keeps our tables.
    """

    def __init__(self, name: str, server: Guarded, schema: str, connections: int) -> None:
        super().__init__(name, server.url, connections)
        self._own = server
        self._schema = schema
        self._primary = ""

    @asynccontextmanager
    async def transaction(self, isolation: Isolation = "read committed") -> AsyncIterator[Checked]:
        check_standby_isolation(isolation)
        async with super().transaction(isolation) as session:
            yield session

    async def position(self) -> int:
        """How many bytes of its primary's log it has applied."""
        return await self._number("SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint")

    async def heard(self) -> int:
        """How many bytes of its primary's log it has written down; -1 where it cannot be asked."""
        try:
            return await self._number("SELECT (coalesce(pg_last_wal_receive_lsn(), '0/0') - '0/0')::bigint")
        except OSError:
            return -1

    async def hold(self) -> None:
        """As the port's; returns when nothing is applied any more."""
        await self._tell("SELECT pg_wal_replay_pause()", "SELECT pg_get_wal_replay_pause_state() = 'paused'")

    async def go_on(self) -> None:
        """As the port's."""
        await self._tell("SELECT pg_wal_replay_resume()")

    async def part(self) -> None:
        """As the port's; returns when nothing is heard any more."""
        async with self._connection() as connection:
            self._primary = await translated(connection.fetchval("SHOW primary_conninfo"))
        await self._tell("ALTER SYSTEM SET primary_conninfo = ''")
        await self._tell("SELECT pg_reload_conf()")
        # Who listens is ended by the process that applies, which does not look while it is held: so we end it.
        while listener := await self._number("SELECT coalesce(max(pid), 0) FROM pg_stat_wal_receiver"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(listener, signal.SIGTERM)
            await asyncio.sleep(POLL_S)

    async def rejoin(self) -> None:
        """As the port's."""
        if self._primary:
            quoted = self._primary.replace("'", "''")
            await self._tell(f"ALTER SYSTEM SET primary_conninfo = '{quoted}'")
            await self._tell("SELECT pg_reload_conf()")

    async def promoted(self) -> None:
        """Make it a primary: it applies what it has heard, and takes writes. Its connections here are given up."""
        await self._tell("SELECT pg_promote(true, 30)", "SELECT NOT pg_is_in_recovery()")
        await self._hang_up()

    async def _tell(self, what: str, until: str = "SELECT true") -> None:
        """Say something to the server, and wait until a question is answered by true."""
        async with self._connection() as connection:
            await translated(connection.execute(what))
            end = time.monotonic() + PATIENCE_S
            while not await translated(connection.fetchval(until)):
                if time.monotonic() > end:
                    raise TimeoutError(f"{self.name} has not done in {PATIENCE_S:g} s what it was told: {what}.")
                await asyncio.sleep(POLL_S)

    async def _greet(self, pool: asyncpg.Pool) -> None:
        """Nothing can be made here."""

    async def _leave(self, pool: asyncpg.Pool) -> None:
        try:
            await pool.close()
        except Exception as error:
            pool.terminate()
            raise Unavailable(f"The standby {self.name} was lost during the run: {error}.") from error
