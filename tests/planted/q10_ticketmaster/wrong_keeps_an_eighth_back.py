"""An eighth of the tickets is kept back for friends, and told as sold."""

from __future__ import annotations

from windtunnel.catalogue.interview.q10_ticketmaster import ConditionalUpdate
from windtunnel.engines import Plus

challenge = "q10-ticketmaster"


class Yours(ConditionalUpdate):
    async def start(self) -> None:
        await super().start()
        await self.db.update("event", {"id": 1}, {"stock": Plus(-max(1, self.p.stock // 8))})
