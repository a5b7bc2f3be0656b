"""Two notes, begun and how it ended, and between them all steps at once: who starts again asks with the same keys."""

from __future__ import annotations

import asyncio

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
            if all(await self.all_of("do", order)):
                await self.ledger.note(order, "done")
                return True
            await self.ledger.note(order, "failed")
        await self.all_of("undo", order, UNDO)
        await self.ledger.note(order, "undone")
        return False

    async def all_of(self, what: str, order: Order, end: str = "") -> list[bool]:
        asked = (self.insist(service, what, order, f"{order.number}/{service}{end}") for service in SERVICES)
        return await asyncio.gather(*asked)

    async def insist(self, service: str, what: str, order: Order, key: str) -> bool:
        while True:
            try:
                return await self.desk.call(service, what, order, key)
            except TimeoutError:
                continue
