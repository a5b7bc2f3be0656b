"""The block, and a parcel that can be called back: each of the three steps has a way back."""

from __future__ import annotations

from windtunnel.blocks.durability import Context, Step
from windtunnel.catalogue.scale.saga.designs import DurableSaga
from windtunnel.catalogue.scale.saga.world import Order

challenge = "saga"


class Yours(DurableSaga):
    def step(self, service: str) -> Step:
        async def undo(context: Context) -> None:
            await self.desk.call(service, "undo", Order(*context.input), context.key)

        return Step(service, super().step(service).action, undo)
