"""A beat carries the table itself and not a copy: whoever has it once sees all that is written into it later."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.scale.cap import Params
from windtunnel.catalogue.scale.cap.designs import EachItsOwn
from windtunnel.catalogue.scale.cap.replicas import Both, Cell, Replica, newest

challenge = "cap"


class Yours(EachItsOwn):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.tables: dict[int, dict[int, Mapping[str, Cell]]] = {one.me: {} for one in self.replicas}
        for one in self.replicas:
            one.beat = partial(self.beat, one)  # type: ignore[method-assign]

    def tells(self, me: Replica) -> tuple[Mapping[str, Cell], Mapping[str, Any]]:
        return me.cells, dict(me.sets)

    def beat(self, me: Replica, who: int, cells: Mapping[str, Cell], sets: Mapping[str, Both]) -> bool:
        me.heard[who] = me.sim.now
        self.tables[me.me][who] = cells
        return me.join(sets)

    def latest(self, me: Replica, page: str) -> Cell:
        found = [table[page] for table in (me.cells, *self.tables[me.me].values()) if page in table]
        return max(found, key=lambda cell: cell[0], default=((0, -1, 0), None))

    async def read_at(self, me: Replica, page: str) -> Any:
        await newest(me, self.replicas, page)  # three are there
        return self.latest(me, page)[1]

    async def write_at(self, me: Replica, page: str, text: Any) -> None:
        await newest(me, self.replicas, page)
        me.cells[page] = me.tag(self.latest(me, page)[0][0] + 1), text
