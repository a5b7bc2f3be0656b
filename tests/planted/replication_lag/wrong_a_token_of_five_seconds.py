"""The token lives for five seconds after it was last set: no standby is further behind."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.replication_lag import DurableToken, Params

challenge = "replication-lag"
LIFE_S = 5.0


class Yours(DurableToken):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.set_at: dict[int, float] = {}

    def saw(self, user: int, position: int) -> None:
        super().saw(user, position)
        self.set_at[user] = self.now()

    async def read(self, user: int, page: int) -> int | None:
        if self.now() - self.set_at.get(user, 0.0) > LIFE_S:
            self.token.pop(user, None)
        return await super().read(user, page)
