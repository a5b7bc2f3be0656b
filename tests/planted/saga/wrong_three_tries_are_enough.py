"""A step is tried three times with its key, then it has failed, and the steps before it are undone."""

from __future__ import annotations

from windtunnel.blocks.durability import Context, Step
from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.saga.designs import TRIES, DurableSaga
from windtunnel.catalogue.scale.saga.world import SERVICES, Order

challenge = "saga"


class Yours(DurableSaga):
    def step(self, service: str) -> Step:
        right = super().step(service)

        async def do(context: Context) -> None:
            for _ in range(TRIES):
                try:
                    if await self.desk.call(service, "do", Order(*context.input), context.key):
                        return
                    break
                except TimeoutError:
                    continue
            raise Refused

        return Step(service, do, None if service == SERVICES[-1] else right.compensation)
