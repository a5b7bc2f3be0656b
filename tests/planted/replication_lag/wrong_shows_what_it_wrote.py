"""The session's own last text is shown from its memory, and everything else is read anywhere."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.replication_lag import AnyReplica, Params

challenge = "replication-lag"


class Yours(AnyReplica):
    acknowledge = "written"
    quorum = 1

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.mine: dict[int, int] = {}

    async def write(self, user: int, page: int, text: int) -> None:
        await super().write(user, page, text)
        self.mine[page] = text

    async def read(self, user: int, page: int) -> int | None:
        found = await super().read(user, page)
        return self.mine.get(page, found) if user == page else found
