"""Where no standby has come so far the primary is asked at once."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.replication_lag import DurableToken, Params

challenge = "replication-lag"


class Yours(DurableToken):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.never = True

    async def read(self, user: int, page: int) -> int | None:
        for standby in self.order(user):
            try:
                if await self.has_come(standby, user):
                    row = await self.read_at(standby, user, page)
                    break
            except OSError:
                continue
        else:
            row = await self.read_first(user, page)
        return None if row is None else row["text"]  # type: ignore[return-value]
