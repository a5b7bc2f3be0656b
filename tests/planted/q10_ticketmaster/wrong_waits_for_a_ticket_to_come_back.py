"""Who finds nothing waits for somebody to give a ticket back, without an end."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.interview.q10_ticketmaster import ConditionalUpdate

challenge = "q10-ticketmaster"


class Yours(ConditionalUpdate):
    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        while True:
            ticket = await super().buy(buyer, pays_after_s)
            if ticket is not None:
                return ticket
            await asyncio.sleep(30.0)
