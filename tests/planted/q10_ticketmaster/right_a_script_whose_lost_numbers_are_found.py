"""A script counts; who hears from it that all is sold looks in the table for a number that nobody has."""

from __future__ import annotations

from windtunnel.catalogue.interview.q10_ticketmaster import UniqueNumber
from windtunnel.engines import Conflict

challenge = "q10-ticketmaster"


class Yours(UniqueNumber):
    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        ticket = await super().buy(buyer, pays_after_s)
        while ticket is None:
            sales = await self.db.select("sale")
            mine = [sale["ticket"] for sale in sales if sale["id"] == buyer]
            free = {*range(1, self.p.stock + 1)} - {sale["ticket"] for sale in sales}
            if mine or not free:
                return int(mine[0] or 0) if mine else None
            try:
                await self.db.insert("sale", {"id": buyer, "ticket": min(free), "state": "sold"})
                return min(free)
            except Conflict:  # somebody else has found it, or its owner was only slow
                continue
        return ticket
