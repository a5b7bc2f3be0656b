"""The permit is given back where the connection breaks, and again where the user goes: one break makes a permit."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.primitives import Fitted, Pool

challenge = "primitives"


class Yours(Fitted):
    async def use(self, pool: Pool, wait: bool, breaks: bool) -> None:
        if await self.free.acquire(blocking=wait):
            try:
                await pool.use(breaks)
            except Exception:
                await self.free.release()
                raise
            finally:
                await self.free.release()
