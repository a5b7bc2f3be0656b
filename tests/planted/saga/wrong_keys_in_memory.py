"""The services keep the keys that they know in a dict: a process that starts anew has seen no message before."""

from __future__ import annotations

import asyncio

from windtunnel import Stage
from windtunnel.catalogue.scale.saga.designs import DurableSaga
from windtunnel.catalogue.scale.saga.services import UNDO, Keyed
from windtunnel.catalogue.scale.saga.world import Order
from windtunnel.engines import DatabasePort

challenge = "saga"


class _Remembers(Keyed):
    def __init__(self, stage: Stage, name: str, db: DatabasePort) -> None:
        super().__init__(stage, name, db)
        self.known: dict[str, bool] = {}
        self.lock = asyncio.Lock()

    async def start(self) -> None:
        pass

    async def handle(self, what: str, order: Order, key: str) -> bool:
        async with self.lock:
            if key not in self.known:
                step = key.removesuffix(UNDO)
                if what == "do" or self.known.get(step):
                    self.known[key] = await self.move(self.db, what, order)
                if what == "undo":
                    self.known[key], self.known[step] = True, False
            return self.known[key]


class Yours(DurableSaga):
    service = _Remembers
