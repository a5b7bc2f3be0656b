"""A database beside the five has all pages; a replica that hears two others asks it."""

from __future__ import annotations

from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.scale.cap import Params
from windtunnel.catalogue.scale.cap.designs import EachItsOwn
from windtunnel.catalogue.scale.cap.replicas import Replica, newest

challenge = "cap"


class Yours(EachItsOwn):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.cache = stage.open("cache")

    async def read_at(self, me: Replica, page: str) -> Any:
        await newest(me, self.replicas, page)
        return await self.cache.get(page)

    async def write_at(self, me: Replica, page: str, text: Any) -> None:
        await newest(me, self.replicas, page)
        await self.cache.set(page, text)
