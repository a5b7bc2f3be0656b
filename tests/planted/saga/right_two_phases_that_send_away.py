"""Two phases, and a service whose row is held says no at once: nobody waits, and is sent away as by a saga."""

from __future__ import annotations

from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.saga.designs import TwoPhase
from windtunnel.catalogue.scale.saga.services import Voting
from windtunnel.catalogue.scale.saga.world import Order
from windtunnel.engines import Aborted, AtLeast, Conflict, Plus

challenge = "saga"


class _SendsAway(Voting):
    async def prepare(self, order: Order) -> bool:
        row = order.row(self.name)
        while True:
            try:
                async with self.db.transaction() as t:
                    await t.insert("vote", {"id": order.number, "open": 1})
                    await t.insert("held", {"id": row, "number": order.number})
                    if not await t.update(self.name, {"id": row, "left": AtLeast(self.amount)}, {"left": Plus(0)}):
                        raise Refused
                return True
            except Refused:
                return False
            except (Conflict, Aborted):
                vote = await self.db.get("vote", order.number)
                if vote is not None:
                    return vote["open"] == 1
                if await self.db.get("held", row) is not None:
                    return False


class Yours(TwoPhase):
    service = _SendsAway
