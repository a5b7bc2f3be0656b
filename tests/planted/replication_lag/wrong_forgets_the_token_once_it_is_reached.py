"""Once a standby has come so far the token is dropped: it has done its work."""

from __future__ import annotations

from windtunnel.catalogue.scale.replication_lag import DurableToken
from windtunnel.engines import Row, Standby

challenge = "replication-lag"


class Yours(DurableToken):
    async def read_at(self, standby: Standby, user: int, page: int) -> Row | None:
        self.token.pop(user, None)
        return await standby.get("page", page)
