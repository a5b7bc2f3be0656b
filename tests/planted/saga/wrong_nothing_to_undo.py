"""To undo what was not done is a yes, and no more: the message to do it may still be on its way."""

from __future__ import annotations

from windtunnel.catalogue.scale.saga.designs import DurableSaga
from windtunnel.catalogue.scale.saga.services import UNDO, Keyed
from windtunnel.catalogue.scale.saga.world import Order
from windtunnel.engines import Statements

challenge = "saga"


class _Forgetful(Keyed):
    async def undo(self, t: Statements, order: Order, key: str) -> bool:
        await t.insert("known", {"id": key, "done": 1})
        if await t.update("known", {"id": key.removesuffix(UNDO), "done": 1}, {"done": 0}):
            await self.move(t, "undo", order)
        return True


class Yours(DurableSaga):
    service = _Forgetful
