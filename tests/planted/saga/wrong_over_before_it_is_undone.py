"""What has not ended is struck off the list when the machine starts, lest it be taken up for ever, and then undone."""

from __future__ import annotations

from windtunnel.catalogue.scale.saga.designs import Remembering
from windtunnel.catalogue.scale.saga.services import UNDO, Keyed
from windtunnel.catalogue.scale.saga.world import SERVICES, Order

challenge = "saga"


class Yours(Remembering):
    service = Keyed

    async def recover(self) -> None:
        for order, notes in list(self.ledger.orders.values()):
            if notes[-1] == "begun":
                await self.ledger.note(order, "undone")
                await self.take_back(order)

    async def carry_out(self, order: Order) -> bool:
        await self.ledger.note(order, "begun")
        for service in SERVICES:
            if not await self.insist(service, "do", order, f"{order.number}/{service}"):
                await self.take_back(order)
                await self.ledger.note(order, "undone")
                return False
        await self.ledger.note(order, "done")
        return True

    async def take_back(self, order: Order) -> None:
        for service in reversed(SERVICES):
            await self.insist(service, "undo", order, f"{order.number}/{service}{UNDO}")

    async def insist(self, service: str, what: str, order: Order, key: str) -> bool:
        while True:
            try:
                return await self.desk.call(service, what, order, key)
            except TimeoutError:
                continue
