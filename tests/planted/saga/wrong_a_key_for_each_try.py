"""A key for each try, with the time in it: what is tried again is another request."""

from __future__ import annotations

from windtunnel.catalogue.scale.saga.designs import DurableSaga
from windtunnel.catalogue.scale.saga.services import Keyed
from windtunnel.catalogue.scale.saga.world import Order
from windtunnel.engines import Statements

challenge = "saga"


class _Tries(Keyed):
    tries = 0

    async def handle(self, what: str, order: Order, key: str) -> bool:
        self.tries += 1
        if what == "do":
            async with self.db.transaction() as t:
                return await self.do(t, order, f"{key}#{self.tries}")
        return await super().handle(what, order, key)

    async def undo(self, t: Statements, order: Order, key: str) -> bool:
        await t.insert("known", {"id": key, "done": 1})
        return await self.move(t, "undo", order)


class Yours(DurableSaga):
    service = _Tries
