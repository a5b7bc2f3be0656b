"""Each step is written down before it is taken; after a crash all that stands there is undone, taken or not."""

from __future__ import annotations

from windtunnel.catalogue.scale.saga.designs import Remembering
from windtunnel.catalogue.scale.saga.services import UNDO
from windtunnel.catalogue.scale.saga.world import SERVICES, Order

challenge = "saga"


class Yours(Remembering):
    async def carry_out(self, order: Order) -> bool:
        if not self.ledger.of(order):
            for service in SERVICES:
                await self.ledger.note(order, service)
                if not await self.do(service, order):
                    await self.ledger.note(order, service + UNDO)
                    break
            else:
                await self.ledger.note(order, "done")
                return True
        for service in reversed(SERVICES):
            notes = self.ledger.of(order)
            if service in notes and service + UNDO not in notes:
                await self.undo(service, order)
                await self.ledger.note(order, service + UNDO)
        await self.ledger.note(order, "undone")
        return False
