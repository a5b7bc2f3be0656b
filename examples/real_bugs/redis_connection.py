"""A command is cancelled between its request and its answer; the next on that connection reads the other's answer.

redis-py 4.5.1, reported in March 2023: https://github.com/redis/redis-py/issues/2624 (and CVE-2023-28859)
"""

from __future__ import annotations

import asyncio

from windtunnel.explore import Tunnel
from windtunnel.sim import Simulator


class Connection:
    """Both ways of one: whatever key is asked for, its answer is the key's own name."""

    def __init__(self) -> None:
        self.requests: asyncio.Queue[str] = asyncio.Queue()
        self.answers: asyncio.Queue[str] = asyncio.Queue()
        self.server = asyncio.create_task(self.serve(), name="server")

    async def serve(self) -> None:
        """Answer what was asked, in its order."""
        while True:
            self.answers.put_nowait(f"value of {await self.requests.get()}")


class Client:
    """One connection for all, one command at a time. `drops`: a connection that is owed an answer is given up."""

    def __init__(self, drops: bool) -> None:
        self.drops = drops
        self.free = asyncio.Lock()
        self.connection = Connection()

    async def get(self, key: str) -> str:
        """Ask, and take one answer."""
        async with self.free:
            self.connection.requests.put_nowait(key)
            try:
                return await self.connection.answers.get()
            except BaseException:
                if self.drops:
                    self.connection.server.cancel()
                    self.connection = Connection()
                raise


def program(fixed: bool) -> Tunnel:
    """Ann's command is cancelled; what Bob is told has to be his."""

    async def main(sim: Simulator) -> None:
        client = Client(fixed)

        async def give_up() -> None:
            ann.cancel()

        ann = asyncio.create_task(client.get("ann"), name="ann")
        bob = asyncio.create_task(client.get("bob"), name="bob")
        canceller = asyncio.create_task(give_up(), name="canceller")
        told = await bob
        await canceller
        assert told == "value of bob", f"Bob was told the {told}"

    return Tunnel(main)
