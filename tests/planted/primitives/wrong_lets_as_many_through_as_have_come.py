"""A barrier of a counter and a semaphore: the last lets all through, and who is fast takes the pass of who is slow."""

from __future__ import annotations

from typing import Any

from windtunnel.catalogue.concurrency.primitives import Fitted

challenge = "primitives"


class Yours(Fitted):
    def hall(self, kit: Any, parties: int) -> None:
        self.door = kit.lock("the door", here=0, parties=parties)
        self.pass_on = kit.semaphore("a pass", 0)

    async def meet(self) -> None:
        async with self.door:
            self.door.here += 1
            last = self.door.here == self.door.parties
            if last:
                self.door.here = 0
            parties = self.door.parties
        if last:
            for _ in range(parties):
                await self.pass_on.release()
        await self.pass_on.acquire()
