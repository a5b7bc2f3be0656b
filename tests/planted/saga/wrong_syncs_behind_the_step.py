"""A step is written down before it is taken and synced behind it: who loses power forgets both, a dead process none."""

from __future__ import annotations

from windtunnel.catalogue.scale.saga.designs import Remembering
from windtunnel.catalogue.scale.saga.desk import Desk
from windtunnel.catalogue.scale.saga.services import UNDO, Keyed
from windtunnel.catalogue.scale.saga.world import SERVICES, Order

challenge = "saga"


class Yours(Remembering):
    service = Keyed

    def boot(self, desk: Desk) -> None:
        super().boot(desk)
        self.file = desk.files.open("steps", create=True)
        desk.files.fsync_dir()
        self.steps = set(self.file.read_at(0, self.file.size).decode().split())

    async def carry_out(self, order: Order) -> bool:
        if not self.ledger.of(order):
            await self.ledger.note(order, "begun")
        if "failed" not in self.ledger.of(order):
            for service in SERVICES:
                if (key := f"{order.number}/{service}") in self.steps:
                    continue
                self.file.append(f"{key} ".encode())
                if not await self.insist(service, "do", order, key):
                    await self.ledger.note(order, "failed")
                    break
                await self.desk.offload(self.file.fsync)
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
