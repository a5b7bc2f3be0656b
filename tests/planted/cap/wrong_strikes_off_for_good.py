"""Who has been away for too long is struck off, and nobody writes him on again: an operator would have to."""

from __future__ import annotations

from typing import Any

from windtunnel import Stage
from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.cap import Params
from windtunnel.catalogue.scale.cap.designs import EachItsOwn
from windtunnel.catalogue.scale.cap.replicas import MAJORITY, REPLICAS, Replica

challenge = "cap"


class Yours(EachItsOwn):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.gone: list[set[int]] = [set() for _ in range(REPLICAS)]

    def there(self, me: Replica) -> None:
        self.gone[me.me].update(other for other in range(REPLICAS) if not me.hears(other))
        if REPLICAS - len(self.gone[me.me]) < MAJORITY:
            raise Refused("Fewer than three are left.")

    async def read_at(self, me: Replica, page: str) -> Any:
        self.there(me)
        return await super().read_at(me, page)

    async def write_at(self, me: Replica, page: str, text: Any) -> None:
        self.there(me)
        await super().write_at(me, page, text)
