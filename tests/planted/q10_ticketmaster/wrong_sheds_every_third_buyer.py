"""Against the stampede every third buyer is told that all is sold."""

from __future__ import annotations

from windtunnel.catalogue.interview.q10_ticketmaster import ConditionalUpdate

challenge = "q10-ticketmaster"


class Yours(ConditionalUpdate):
    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        return None if buyer % 3 == 0 else await super().buy(buyer, pays_after_s)
