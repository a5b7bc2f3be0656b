"""No answer in time means that nothing was done: only the steps before are undone."""

from __future__ import annotations

from windtunnel.blocks.durability import Context, Step
from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.saga.designs import DurableSaga
from windtunnel.catalogue.scale.saga.world import SERVICES, Order

challenge = "saga"


class Yours(DurableSaga):
    def step(self, service: str) -> Step:
        right = super().step(service)

        async def do(context: Context) -> None:
            try:
                done = await self.desk.call(service, "do", Order(*context.input), context.key)
            except TimeoutError:
                done = False
            if not done:
                raise Refused

        return Step(service, do, None if service == SERVICES[-1] else right.compensation)
