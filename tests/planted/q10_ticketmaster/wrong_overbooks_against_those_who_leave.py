"""A tenth more is sold than there is, as airlines do, since some will not come."""

from __future__ import annotations

from windtunnel.catalogue.interview.q10_ticketmaster import ConditionalUpdate
from windtunnel.engines import Plus

challenge = "q10-ticketmaster"


class Yours(ConditionalUpdate):
    async def start(self) -> None:
        await super().start()
        await self.db.update("event", {"id": 1}, {"stock": Plus(max(1, self.p.stock // 10))})
