"""The client is told yes as soon as the money is there; the parcel will follow."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.scale.saga.designs import DurableSaga
from windtunnel.catalogue.scale.saga.world import Order

challenge = "saga"


class Yours(DurableSaga):
    async def order(self, order: Order) -> bool:
        saga = asyncio.ensure_future(super().order(order))
        while not saga.done():
            run = self.sagas._runs.get(str(order.number))
            if run is not None and "money" in run.results:
                return True
            await asyncio.sleep(0.001)
        return await saga
