"""Exponential back-off, the same for everybody."""

from __future__ import annotations

from random import Random

from windtunnel.catalogue.scale.retry_jitter import Exponential, Row

challenge = "retry-jitter"


class Yours(Exponential):
    async def attempt(self, row: Row, client: int, luck: Random) -> int:
        version = await self.call(row, luck, row.read)
        return await self.call(
            row, luck, lambda: row.names.get(client) or self.write(row, client, version), writes=True
        )

    def write(self, row: Row, client: int, version: int) -> int:
        return row.add_once(client) if version == row.version else 0
