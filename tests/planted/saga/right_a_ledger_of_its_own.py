"""A ledger by hand: begun, then forward with keys; that a step has failed is noted, and then all is undone."""

from __future__ import annotations

from windtunnel.catalogue.scale.saga.designs import Remembering
from windtunnel.catalogue.scale.saga.services import UNDO, Keyed
from windtunnel.catalogue.scale.saga.world import SERVICES, Order

challenge = "saga"


class Yours(Remembering):
    service = Keyed

    async def carry_out(self, order: Order) -> bool:
        if not self.ledger.of(order):
            await self.ledger.note(order, "begun")
        if "failed" not in self.ledger.of(order):
            for service in SERVICES:
                if not await self.insist(service, "do", order, f"{order.number}/{service}"):
                    await self.ledger.note(order, "failed")
                    break
            else:
                await self.ledger.note(order, "done")
                return True
        for service in reversed(SERVICES):
            await self.insist(service, "undo", order, f"{order.number}/{service}{UNDO}")
        await self.ledger.note(order, "undone")
        return False

    async def insist(self, service: str, what: str, order: Order, key: str) -> bool:
        while True:
            try:
                return await self.desk.call(service, what, order, key)
            except TimeoutError:
                continue
