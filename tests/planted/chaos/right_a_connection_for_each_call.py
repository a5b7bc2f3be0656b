"""Makes a connection for each question to another replica, so that no answer can be late for another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from windtunnel.catalogue.scale.chaos import Tested
from windtunnel.catalogue.scale.chaos.replica import Link, Replica

challenge = "chaos"


class _Mine(Replica):
    async def exchange(self, link: Link, request: Sequence[Any]) -> Any:
        try:
            return await super().exchange(link, request)
        finally:
            link.drop()


class Yours(Tested):
    def replica(self, me: int) -> Replica:
        return _Mine(me, self.addresses, "/store")
