"""One replica of the three has every page, and all ask it: no majority is needed, until it hears one side alone."""

from __future__ import annotations

from typing import Any

from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.cap.designs import EachItsOwn
from windtunnel.catalogue.scale.cap.replicas import PATIENCE_S, Cell, Replica

challenge = "cap"


class Yours(EachItsOwn):
    async def newest(self, me: Replica, page: str) -> Cell:
        try:
            found: Cell = await me.call(self.replicas[4], "cell", page, within_s=PATIENCE_S)
        except TimeoutError as error:
            raise Refused(str(error)) from None
        return found

    async def read_at(self, me: Replica, page: str) -> Any:
        return (await self.newest(me, page))[1]

    async def write_at(self, me: Replica, page: str, text: Any) -> None:
        tag, _ = await self.newest(me, page)
        await me.call(self.replicas[4], "keep", page, (me.tag(tag[0] + 1), text), within_s=PATIENCE_S)
