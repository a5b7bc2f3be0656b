"""A sixth machine has all pages; a replica that hears two others asks it, and no quorum has to be met."""

from __future__ import annotations

from typing import Any

from windtunnel import Stage
from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.cap import Params
from windtunnel.catalogue.scale.cap.designs import EachItsOwn
from windtunnel.catalogue.scale.cap.replicas import PATIENCE_S, Cell, Replica, newest

challenge = "cap"


class Yours(EachItsOwn):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.sixth = Replica(stage, 5)

    async def there(self, me: Replica, page: str) -> Cell:
        await newest(me, self.replicas, page)
        found: Cell = await me.call(self.sixth, "cell", page, within_s=PATIENCE_S)
        return found

    async def read_at(self, me: Replica, page: str) -> Any:
        return (await self.there(me, page))[1]

    async def write_at(self, me: Replica, page: str, text: Any) -> None:
        (number, _, _), _ = await self.there(me, page)
        try:
            await me.call(self.sixth, "keep", page, (me.tag(number + 1), text), within_s=PATIENCE_S)
        except TimeoutError as error:
            raise Refused(str(error)) from None
