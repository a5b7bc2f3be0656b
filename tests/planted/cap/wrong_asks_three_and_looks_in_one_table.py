"""Three have to answer before anything is said; what is said stands in a table that all five have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from windtunnel import Stage
from windtunnel.catalogue.scale.cap import Params
from windtunnel.catalogue.scale.cap.designs import EachItsOwn
from windtunnel.catalogue.scale.cap.replicas import Replica, newest

challenge = "cap"


class Yours(EachItsOwn):
    pages: ClassVar[dict[str, Any]] = {}

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.pages.clear()

    async def read_at(self, me: Replica, page: str) -> Any:
        await newest(me, self.replicas, page)
        return self.pages.get(page)

    async def write_at(self, me: Replica, page: str, text: Any) -> None:
        await newest(me, self.replicas, page)
        self.pages[page] = text
