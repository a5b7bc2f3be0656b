"""R + W > N, so each read meets the newest write; to write it back would be work for nothing."""

from __future__ import annotations

from typing import Any

from windtunnel.catalogue.scale.cap.designs import EachItsOwn
from windtunnel.catalogue.scale.cap.replicas import Replica, newest

challenge = "cap"


class Yours(EachItsOwn):
    async def read_at(self, me: Replica, page: str) -> Any:
        (_, text), _ = await newest(me, self.replicas, page)
        return text
