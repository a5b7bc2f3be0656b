"""Two answers are enough for both, as with three copies; that there are five here is forgotten."""

from __future__ import annotations

from typing import Any

from windtunnel.catalogue.scale.cap.designs import EachItsOwn
from windtunnel.catalogue.scale.cap.replicas import PATIENCE_S, Cell, Replica
from windtunnel.parts import first_answers

challenge = "cap"


class Yours(EachItsOwn):
    async def two(self, me: Replica, name: str, *args: Any) -> list[Any]:
        return await first_answers(me, self.replicas, 2, name, *args, within_s=PATIENCE_S)

    async def newest(self, me: Replica, page: str) -> Cell:
        found: Cell = max(await self.two(me, "cell", page), key=lambda cell: cell[0])
        return found

    async def read_at(self, me: Replica, page: str) -> Any:
        best = await self.newest(me, page)
        await self.two(me, "keep", page, best)
        return best[1]

    async def write_at(self, me: Replica, page: str, text: Any) -> None:
        tag, _ = await self.newest(me, page)
        await self.two(me, "keep", page, (me.tag(tag[0] + 1), text))
