"""The answer leaves before the sale is written, and a crash in between forgets it."""

from __future__ import annotations

import asyncio
import contextlib

from windtunnel import Stage
from windtunnel.catalogue.interview.q10_ticketmaster import Params, Shop

challenge = "q10-ticketmaster"


class Yours(Shop):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.left = list(range(p.stock, 0, -1))
        self.writing: set[asyncio.Task[None]] = set()

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        if not self.left:
            return None
        ticket = self.left.pop()
        self.writing.add(asyncio.get_running_loop().create_task(self.write(buyer, ticket)))
        return ticket

    async def write(self, buyer: int, ticket: int) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            await self.db.insert("sale", {"id": buyer, "ticket": ticket, "state": "sold"})
