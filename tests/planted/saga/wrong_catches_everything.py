"""An `except` for everything undoes the steps, whatever happens: a process that dies catches nothing."""

from __future__ import annotations

from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.saga.designs import Idempotent
from windtunnel.catalogue.scale.saga.world import SERVICES, Order

challenge = "saga"


class Yours(Idempotent):
    async def order(self, order: Order) -> bool:
        tried: list[str] = []
        try:
            for service in SERVICES:
                tried.append(service)
                if not await self.do(service, order):
                    raise Refused
        except BaseException:
            for service in reversed(tried):
                await self.undo(service, order)
            return False
        return True
