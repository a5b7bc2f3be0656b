"""Who has a token waits at the own standby until it has come so far, however long that takes."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.scale.replication_lag import DurableToken, text_of

challenge = "replication-lag"


class Yours(DurableToken):
    async def read(self, user: int, page: int) -> int | None:
        while self.db.standbys:
            home = self.order(user)[0]
            try:
                if await self.has_come(home, user):
                    return text_of(await self.read_at(home, user, page))
            except OSError:
                pass
            await asyncio.sleep(0.01)
        return text_of(await self.read_first(user, page))
