"""Two phases, and a service that has said yes and hears nothing for a while gives the row back by itself."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.scale.saga.designs import TwoPhase
from windtunnel.catalogue.scale.saga.services import Voting
from windtunnel.catalogue.scale.saga.world import Order

challenge = "saga"
PATIENCE_S = 0.05


class _Impatient(Voting):
    async def prepare(self, order: Order) -> bool:
        yes = await super().prepare(order)
        if yes:
            self.task = asyncio.create_task(self.give_up(order))
        return yes

    async def give_up(self, order: Order) -> None:
        await asyncio.sleep(PATIENCE_S)
        await self.handle("abort", order, "")


class Yours(TwoPhase):
    service = _Impatient
