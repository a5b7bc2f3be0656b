"""After a crash an order that has not ended is undone, and who asks for it again is told no: also one that was done."""

from __future__ import annotations

from windtunnel.catalogue.scale.saga.designs import Idempotent, Ledger
from windtunnel.catalogue.scale.saga.desk import Desk
from windtunnel.catalogue.scale.saga.world import SERVICES, Order

challenge = "saga"


class Yours(Idempotent):
    def boot(self, desk: Desk) -> None:
        super().boot(desk)
        self.ledger = Ledger(desk)

    async def recover(self) -> None:
        for order, notes in list(self.ledger.orders.values()):
            if notes[-1] == "begun":
                for service in reversed(SERVICES[:-1]):
                    await self.undo(service, order)
                await self.ledger.note(order, "undone")

    async def order(self, order: Order) -> bool:
        notes = self.ledger.of(order)
        if notes:
            return notes[-1] == "done"
        await self.ledger.note(order, "begun")
        done = await super().order(order)
        await self.ledger.note(order, "done" if done else "undone")
        return done
