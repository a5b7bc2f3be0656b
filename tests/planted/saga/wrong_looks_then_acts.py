"""Look whether the key is known, do the step, note the key: two copies at once both find that it is not."""

from __future__ import annotations

from windtunnel.catalogue.scale.saga.designs import DurableSaga
from windtunnel.catalogue.scale.saga.services import Keyed
from windtunnel.catalogue.scale.saga.world import Order
from windtunnel.engines import Conflict

challenge = "saga"


class _Looks(Keyed):
    async def handle(self, what: str, order: Order, key: str) -> bool:
        known = await self.db.get("known", key)
        if known is not None:
            return known["done"] == 1
        step = None if what == "do" else await self.db.get("known", key.removesuffix("/undo"))
        done = await self.move(self.db, what, order) if what == "do" or (step and step["done"] == 1) else True
        try:
            await self.db.insert("known", {"id": key, "done": int(done)})
            if what == "undo" and step is None:
                await self.db.insert("known", {"id": key.removesuffix("/undo"), "done": 0})
        except Conflict:
            pass
        return done


class Yours(DurableSaga):
    service = _Looks
