"""What is renewed early is asked of a copy of the database, which there is not."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.cache_stampede import Ahead, Copy, Params

challenge = "cache-stampede"


class Yours(Ahead):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.both = [self.database, stage.server("replica", workers=p.workers)]

    async def computed(self, key: int) -> Copy:
        self.both.reverse()
        self.database = self.both[0]
        return await super().computed(key)
