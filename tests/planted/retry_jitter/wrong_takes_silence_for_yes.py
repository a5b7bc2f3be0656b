"""Who is not answered takes the change for made."""

from __future__ import annotations

from random import Random

from windtunnel.catalogue.scale.retry_jitter import Named, Row

challenge = "retry-jitter"


class Yours(Named):
    async def attempt(self, row: Row, client: int, luck: Random) -> int:
        try:
            return await super().attempt(row, client, luck)
        except (TimeoutError, ConnectionError):
            return row.version
