"""What all servers need stands in one dictionary, in the process that they happen to share here."""

from __future__ import annotations

from typing import Any

from windtunnel import Stage, process
from windtunnel.catalogue.scale.election import Params
from windtunnel.catalogue.scale.election.designs import Careful

challenge = "election"


class Yours(Careful):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.values: dict[str, Any] = {}
        self.order: list[int] = []

    @process
    async def put(self, at: int, key: str, value: int) -> None:
        self.values[key] = value
        self.order.append(value)

    @process
    async def get(self, at: int, key: str) -> Any:
        return self.values.get(key)

    @process
    async def everything(self, at: int) -> list[int]:
        return list(self.order)
