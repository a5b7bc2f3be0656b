"""Reads take the newest of two answers and write nothing: a read should not write."""

from __future__ import annotations

from typing import Any

from windtunnel.catalogue.scale.chaos import Tested
from windtunnel.catalogue.scale.chaos.replica import Replica

challenge = "chaos"


class _Mine(Replica):
    async def get(self, key: str) -> Any:
        found = await self.majority("fetch", key)
        return max(found, key=lambda cell: cell[0])[1]


class Yours(Tested):
    def replica(self, me: int) -> Replica:
        return _Mine(me, self.addresses, "/store")
