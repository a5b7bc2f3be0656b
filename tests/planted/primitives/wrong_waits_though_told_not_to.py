"""One line for everybody: who does not want to wait for a connection waits like all others."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.primitives import Fitted, Pool

challenge = "primitives"


class Yours(Fitted):
    async def use(self, pool: Pool, wait: bool, breaks: bool) -> None:
        async with self.free:
            await pool.use(breaks)
