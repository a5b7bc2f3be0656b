"""To be on the safe side all five have to answer."""

from __future__ import annotations

from typing import Any

from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.cap.designs import EachItsOwn
from windtunnel.catalogue.scale.cap.replicas import PATIENCE_S, Cell, Replica
from windtunnel.parts import first_answers

challenge = "cap"


class Yours(EachItsOwn):
    async def newest(self, me: Replica, page: str) -> Cell:
        try:
            found = await self.all_of(me, "cell", page)
        except TimeoutError as error:
            raise Refused(str(error)) from None
        best: Cell = max(found, key=lambda cell: cell[0])
        return best

    async def all_of(self, me: Replica, name: str, *args: Any) -> list[Any]:
        return await first_answers(me, self.replicas, len(self.replicas), name, *args, within_s=PATIENCE_S)

    async def read_at(self, me: Replica, page: str) -> Any:
        return (await self.newest(me, page))[1]

    async def write_at(self, me: Replica, page: str, text: Any) -> None:
        tag, _ = await self.newest(me, page)
        await self.all_of(me, "keep", page, (me.tag(tag[0] + 1), text))
