"""Each read writes back what it shows, also where all three agreed."""

from __future__ import annotations

from typing import Any

from windtunnel.catalogue.scale.cap.designs import EachItsOwn
from windtunnel.catalogue.scale.cap.replicas import Replica, majority, newest

challenge = "cap"


class Yours(EachItsOwn):
    async def read_at(self, me: Replica, page: str) -> Any:
        best, _ = await newest(me, self.replicas, page)
        await majority(me, self.replicas, "keep", page, best)
        return best[1]
