"""The number of those who have come is kept beside the lock: `+= 1` looks like one step."""

from __future__ import annotations

from typing import Any

from windtunnel.catalogue.concurrency.primitives import Fitted

challenge = "primitives"


class Yours(Fitted):
    def hall(self, kit: Any, parties: int) -> None:
        self.here, self.parties = 0, parties
        self.full = [kit.event("all here"), kit.event("all here again")]

    async def meet(self) -> None:
        self.here += 1
        meeting, place = divmod(self.here - 1, self.parties)
        if place == self.parties - 1:
            await self.full[meeting].set()
        await self.full[meeting].wait()
