"""A purchase whose answer got lost is made again under a new number."""

from __future__ import annotations

import asyncio
from itertools import count

from windtunnel import Stage
from windtunnel.catalogue.interview.q10_ticketmaster import Params, Shop
from windtunnel.engines import AtLeast, Plus

challenge = "q10-ticketmaster"


class Yours(Shop):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.numbers = count(1)

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        for _ in range(4):
            try:
                async with self.db.transaction() as t:
                    if not await t.update("event", {"id": 1, "stock": AtLeast(1)}, {"stock": Plus(-1)}):
                        return None
                    event = await t.get("event", 1)
                    assert event is not None
                    ticket = int(event["stock"] or 0) + 1
                    await t.insert("sale", {"id": next(self.numbers), "ticket": ticket, "state": "sold"})
                return ticket
            except ConnectionError:
                await asyncio.sleep(0.01)
        raise TimeoutError
