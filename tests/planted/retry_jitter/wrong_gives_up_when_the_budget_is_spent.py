"""A name for what is repeated, and a tenth of the calls may be."""

from __future__ import annotations

from random import Random

from windtunnel.catalogue.scale.retry_jitter import Row, WithBudget

challenge = "retry-jitter"


class Yours(WithBudget):
    async def attempt(self, row: Row, client: int, luck: Random) -> int:
        return await self.call(row, luck, lambda: row.add_once(client), writes=True)
