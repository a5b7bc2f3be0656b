"""Whoever is not answered in a second and a half is asked to pay again, up to three times."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.scale.pool_exhaustion import AllThree

challenge = "pool-exhaustion"


class Yours(AllThree):
    async def ask(self, order: int, work_s: float) -> None:
        self.asked.append((order, self.now() - self.began))
        for _ in range(3):
            try:
                async with asyncio.timeout(1.5):
                    return await self.provider.serve(work_s)
            except TimeoutError:
                continue
        raise TimeoutError
