"""The parcel can be called back, so the piece comes last: what others want is never given back."""

from __future__ import annotations

from windtunnel.blocks.durability import Context, Step
from windtunnel.catalogue.scale.saga.designs import DurableSaga
from windtunnel.catalogue.scale.saga.world import Order

challenge = "saga"


class Yours(DurableSaga):
    in_turn = ("money", "parcels", "stock")

    def step(self, service: str) -> Step:
        async def undo(context: Context) -> None:
            await self.desk.call(service, "undo", Order(*context.input), context.key)

        return Step(service, super().step(service).action, undo)
