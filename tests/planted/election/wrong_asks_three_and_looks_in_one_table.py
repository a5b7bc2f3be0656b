"""Three have to answer before anything is said; what is said stands in a table that all five have in common."""

from __future__ import annotations

from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.scale.election import Params
from windtunnel.catalogue.scale.election.servers import PATIENCE_S, SERVERS, Answer, Asked, Cluster
from windtunnel.parts import first_answers

challenge = "election"


class _Member(Asked):
    def __init__(self, stage: Stage, name: str, table: dict[str, Any]) -> None:
        self.table = table
        super().__init__(stage, name)

    def is_there(self) -> bool:
        return True

    async def want(self, command: list[Any]) -> Answer:
        what, key, value, _ = command
        others = list(self.servers.values())
        try:
            await first_answers(self, others, SERVERS // 2 + 1, "is_there", within_s=PATIENCE_S)
        except TimeoutError:
            return False, None
        if what == "everything":
            return True, list(self.table.get("", ()))
        if what == "put":
            self.table[key] = value
            self.table.setdefault("", []).append(value)
        return True, self.table.get(key)


class Yours(Cluster):
    def __init__(self, stage: Stage, p: Params) -> None:
        self.table: dict[str, Any] = {}
        super().__init__(stage, p)

    def make(self) -> list[Asked]:
        return [_Member(self.stage, f"server {i}", self.table) for i in range(SERVERS)]

    def leading(self) -> list[Any]:
        return []
