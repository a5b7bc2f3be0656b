"""Reads the version, says that the next one is its own, and writes it later."""

from __future__ import annotations

from random import Random

from windtunnel.catalogue.scale.retry_jitter import FullJitter, Row

challenge = "retry-jitter"


class Yours(FullJitter):
    async def attempt(self, row: Row, client: int, luck: Random) -> int:
        version = await self.call(row, luck, row.read)
        self.sim.spawn(self.call(row, luck, lambda: row.write(version), writes=True), daemon=True)
        return version + 1
