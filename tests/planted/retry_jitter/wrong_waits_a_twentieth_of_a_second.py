"""A version, a name, and full jitter; but nobody likes to wait, so the longest wait is 50 ms."""

from __future__ import annotations

from random import Random

from windtunnel.blocks.resilience import Backoff, full_jitter
from windtunnel.catalogue.scale.retry_jitter import FullJitter, Row

challenge = "retry-jitter"


class Yours(FullJitter):
    def backoff(self, base_s: float, cap_s: float) -> Backoff:
        return full_jitter(base_s, 0.05)

    async def attempt(self, row: Row, client: int, luck: Random) -> int:
        version = await self.call(row, luck, row.read)
        return await self.call(
            row, luck, lambda: row.names.get(client) or self.write(row, client, version), writes=True
        )

    def write(self, row: Row, client: int, version: int) -> int:
        return row.add_once(client) if version == row.version else 0
