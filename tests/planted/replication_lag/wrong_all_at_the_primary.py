"""Reads go to the primary: it is always right."""

from __future__ import annotations

from windtunnel.catalogue.scale.replication_lag import DurableToken

challenge = "replication-lag"


class Yours(DurableToken):
    async def read(self, user: int, page: int) -> int | None:
        row = await self.db.get("page", page)
        return None if row is None else row["text"]  # type: ignore[return-value]
