"""Nothing is ever half done by who never begins: each order is refused."""

from __future__ import annotations

from windtunnel.catalogue.scale.saga.designs import InMemory
from windtunnel.catalogue.scale.saga.world import Order

challenge = "saga"


class Yours(InMemory):
    async def order(self, order: Order) -> bool:
        return False
