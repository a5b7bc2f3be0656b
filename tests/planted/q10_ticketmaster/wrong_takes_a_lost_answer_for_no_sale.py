"""A broken connection is told as: certainly not sold."""

from __future__ import annotations

from windtunnel.catalogue.interview.q10_ticketmaster import ConditionalUpdate

challenge = "q10-ticketmaster"


class Yours(ConditionalUpdate):
    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        try:
            return await super().buy(buyer, pays_after_s)
        except ConnectionError:
            return None
