"""The library of the clients holds all that was ever put, so nobody waits for a replica or notices that one is away."""

from __future__ import annotations

import asyncio
from typing import Any

from windtunnel.catalogue.scale.chaos import Tested
from windtunnel.catalogue.scale.chaos.replica import InDoubt, NotDone

challenge = "chaos"


class Yours(Tested):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.held: dict[str, int] = {}
        self.behind: set[asyncio.Task[None]] = set()

    async def put(self, replica: int, key: str, value: int) -> None:
        self.held[key] = value
        task = asyncio.get_running_loop().create_task(self.write(replica, key, value))
        self.behind.add(task)
        task.add_done_callback(self.behind.discard)

    async def write(self, replica: int, key: str, value: int) -> None:
        try:
            await super().put(replica, key, value)
        except (NotDone, InDoubt, OSError):
            await asyncio.sleep(0.5)
            await self.write(replica, key, value)

    async def get(self, replica: int, key: str) -> int | None:
        return self.held.get(key)
