"""The session remembers the newest text of each page that it saw, and reads on until it is as new."""

from __future__ import annotations

import asyncio

from windtunnel import Stage
from windtunnel.catalogue.scale.replication_lag import DurableToken, Params
from windtunnel.engines import Row

challenge = "replication-lag"


class Yours(DurableToken):
    """Texts of one page grow, so a smaller one is older."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.seen: dict[tuple[int, int], int] = {}

    async def write(self, user: int, page: int, text: int) -> None:
        await super().write(user, page, text)
        self.seen[user, page] = text

    async def read(self, user: int, page: int) -> int | None:
        for standby in self.order(user):
            try:
                async with asyncio.timeout(0.5):
                    row = await standby.get("page", page)
            except OSError:
                continue
            if self.new_enough(user, page, row):
                return self.note(user, page, row)
        return self.note(user, page, await self.db.get("page", page))

    def new_enough(self, user: int, page: int, row: Row | None) -> bool:
        text = 0 if row is None or row["text"] is None else row["text"]
        return text >= self.seen.get((user, page), 0)  # type: ignore[operator]

    def note(self, user: int, page: int, row: Row | None) -> int | None:
        text = None if row is None else row["text"]
        if isinstance(text, int):
            self.seen[user, page] = text
            return text
        return None
