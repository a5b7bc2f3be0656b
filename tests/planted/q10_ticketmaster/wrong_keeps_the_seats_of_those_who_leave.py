"""Holds never run out: the seats of those who leave are nobody's, and who comes later hears that all is sold."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.interview.q10_ticketmaster import Shop
from windtunnel.engines import Row

challenge = "q10-ticketmaster"


class Yours(Shop):
    async def start(self) -> None:
        await super().start()
        seats: list[Row] = [{"id": n, "state": "open"} for n in range(1, self.p.stock + 1)]
        await self.db.create_table("seat", {"id": int, "state": str}, seats)

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        seat = await self.hold()
        if seat is None or pays_after_s is None:
            return None
        await asyncio.sleep(pays_after_s)
        async with self.db.transaction() as t:
            await t.update("seat", {"id": seat}, {"state": "paid"})
            await t.insert("sale", {"id": buyer, "ticket": seat, "state": "paid"})
        return seat

    async def hold(self) -> int | None:
        while await self.db.select("seat", {"state": "open"}, limit=1):
            async with self.db.transaction() as t:
                for seat in await t.select("seat", {"state": "open"}, limit=1, lock=True, skip_locked=True):
                    await t.update("seat", {"id": seat["id"]}, {"state": "held"})
                    return int(seat["id"] or 0)
            await asyncio.sleep(0.005)
        return None
