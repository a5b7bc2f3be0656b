"""Who waits for a connection asks for a permit again and again: right in the end, and busy until then."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.primitives import Fitted, Pool

challenge = "primitives"


class Yours(Fitted):
    async def use(self, pool: Pool, wait: bool, breaks: bool) -> None:
        while not await self.free.acquire(blocking=False):
            if not wait:
                return
        try:
            await pool.use(breaks)
        finally:
            await self.free.release()
