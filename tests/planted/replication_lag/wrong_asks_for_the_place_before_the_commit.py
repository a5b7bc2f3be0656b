"""The place is asked for when the write begins, and the commit comes behind it."""

from __future__ import annotations

from windtunnel.catalogue.scale.replication_lag import DurableToken

challenge = "replication-lag"


class Yours(DurableToken):
    async def write(self, user: int, page: int, text: int) -> None:
        self.saw(user, await self.db.position())
        await super().write(user, page, text)

    async def written(self, user: int) -> None:
        """It has its place already."""
