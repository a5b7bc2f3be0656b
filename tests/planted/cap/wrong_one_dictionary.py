"""What all replicas need stands in one dictionary, in the process that they happen to share here."""

from __future__ import annotations

from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.scale.cap import Params
from windtunnel.catalogue.scale.cap.designs import EachItsOwn
from windtunnel.catalogue.scale.cap.replicas import Replica

challenge = "cap"


class Yours(EachItsOwn):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.pages: dict[str, Any] = {}

    async def read_at(self, me: Replica, page: str) -> Any:
        return self.pages.get(page)

    async def write_at(self, me: Replica, page: str, text: Any) -> None:
        self.pages[page] = text
