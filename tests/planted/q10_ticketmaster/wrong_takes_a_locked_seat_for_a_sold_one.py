"""Seats that others are just taking are skipped, and who finds no other is told that all is sold."""

from __future__ import annotations

import contextlib

from windtunnel.catalogue.interview.q10_ticketmaster import Shop
from windtunnel.engines import Conflict

challenge = "q10-ticketmaster"


class Yours(Shop):
    async def start(self) -> None:
        seats = [{"id": n, "ticket": n, "state": "open", "buyer": -n} for n in range(1, self.p.stock + 1)]
        columns = {"id": int, "ticket": int, "state": str, "buyer": int}
        await self.db.create_table("sale", columns, seats, unique=(("buyer",),))

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        with contextlib.suppress(Conflict):
            async with self.db.transaction() as t:
                for seat in await t.select("sale", {"state": "open"}, limit=1, lock=True, skip_locked=True):
                    await t.update("sale", {"id": seat["id"]}, {"state": "sold", "buyer": buyer})
                    return int(seat["ticket"] or 0)
        return await self.mine(buyer)

    async def mine(self, buyer: int) -> int | None:
        for seat in await self.db.select("sale", {"buyer": buyer}):
            return int(seat["ticket"] or 0)
        return None
