"""A connection is lost to its pool where who asked is cancelled while it is looked over: only `Exception` is caught.

psycopg_pool, reported in 2025: https://github.com/psycopg/psycopg/issues/1208
"""

from __future__ import annotations

import asyncio

from windtunnel.explore import Tunnel
from windtunnel.sim import Simulator


class Pool:
    """One connection. `careful`: it goes back whatever ended the look at it, a cancellation too."""

    def __init__(self, careful: bool) -> None:
        self.idle: asyncio.Queue[str] = asyncio.Queue()
        self.idle.put_nowait("a connection")
        self.caught: type[BaseException] = BaseException if careful else Exception

    async def check(self) -> None:
        """A question to the server."""
        await asyncio.sleep(0)

    async def take(self) -> str:
        """A connection that works."""
        connection = await self.idle.get()
        try:
            await self.check()
        except self.caught:
            self.idle.put_nowait(connection)
            raise
        return connection


def program(fixed: bool) -> Tunnel:
    """Two requests for one connection, of which one is cancelled: the other has to be served."""

    async def main(sim: Simulator) -> None:
        pool = Pool(fixed)

        async def request() -> None:
            connection = await pool.take()
            try:
                await asyncio.sleep(0)
            finally:
                pool.idle.put_nowait(connection)

        async def hang_up() -> None:
            first.cancel()

        first = asyncio.create_task(request(), name="first")
        second = asyncio.create_task(request(), name="second")
        canceller = asyncio.create_task(hang_up(), name="canceller")
        await second
        await canceller

    return Tunnel(main)
