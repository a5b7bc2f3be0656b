"""Nothing is answered before all three replicas have it, however long that takes: an answer late is an answer."""

from __future__ import annotations

import asyncio
from typing import Any

from windtunnel.catalogue.scale.chaos import Tested
from windtunnel.catalogue.scale.chaos.replica import InDoubt, NotDone, Replica
from windtunnel.catalogue.scale.chaos.trial import Door

challenge = "chaos"
TIMES = 20


class _Patient(Door):
    async def ask(self, *request: Any) -> Any:
        answer = await self._ask(request)
        if "error" in answer:
            raise (NotDone if answer["error"] == NotDone.outcome else InDoubt)(answer["error"])
        return answer["ok"]


class _Mine(Replica):
    async def majority(self, *request: Any) -> list[Any]:
        return [await self.until_done(peer, *request) for peer in self.order()]

    async def until_done(self, peer: int, *request: Any) -> Any:
        for _ in range(TIMES):
            try:
                return await (self.do(*request) if peer == self.me else self.call(peer, *request))
            except (NotDone, OSError, TimeoutError):
                await asyncio.sleep(0.3)
        raise InDoubt("It does not come back.")


class Yours(Tested):
    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.doors = [_Patient(address) for address in self.addresses]

    def replica(self, me: int) -> Replica:
        return _Mine(me, self.addresses, "/store")
