"""A tag is a number and the replica that gave it; two writes at one replica may have read the same number."""

from __future__ import annotations

from typing import Any

from windtunnel.catalogue.scale.cap.designs import EachItsOwn
from windtunnel.catalogue.scale.cap.replicas import Replica, majority, newest

challenge = "cap"


class Yours(EachItsOwn):
    async def write_at(self, me: Replica, page: str, text: Any) -> None:
        (tag, _), _ = await newest(me, self.replicas, page)
        await majority(me, self.replicas, "keep", page, ((tag[0] + 1, me.me, 0), text))
