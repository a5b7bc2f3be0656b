"""A lock is the simplest read-write lock: right, and no two read at once."""

from __future__ import annotations

from typing import Any

from windtunnel.catalogue.concurrency.primitives import Fitted

challenge = "primitives"


class Yours(Fitted):
    def page(self, kit: Any) -> None:
        self.alone = kit.lock("the page's lock")

    async def begin_read(self) -> None:
        await self.alone.acquire()

    async def end_read(self) -> None:
        await self.alone.release()

    async def begin_write(self) -> None:
        await self.alone.acquire()

    async def end_write(self) -> None:
        await self.alone.release()
