"""Seats are held in a list of the server's own and written down when they are paid; two servers have two lists."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.interview.q10_ticketmaster import Params, Shop

challenge = "q10-ticketmaster"


class Yours(Shop):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.free = list(range(p.stock, 0, -1))

    async def sell(self, buyer: int, pays_after_s: float | None) -> int | None:
        known = await self.mine(buyer)
        if known is not None or not self.free:
            return known
        ticket = self.free.pop()
        try:
            await self.db.insert("sale", {"id": buyer, "ticket": ticket, "state": "sold"})
        except Exception:
            self.free.append(ticket)
            raise
        return ticket
