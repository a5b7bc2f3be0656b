"""Flags in the database that name the life of a gateway: the others take them away when it has been silent for 3 s."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import ForgetsOnSend, StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.phones import Phone
from windtunnel.catalogue.interview.q04_whatsapp.presence import BEAT_S, LEASE_S
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame, Line
from windtunnel.engines import Conflict

challenge = "q04-whatsapp"


class Yours(ForgetsOnSend):
    def pause_s(self, me: Phone) -> float:
        return StoreAndForward.pause_s(self, me)  # type: ignore[arg-type]  # it has the same parameters

    async def forward(self, here: Desk, line: Line, row: Mapping[str, Any]) -> None:
        await line.send({"new": row})

    def attend(self, here: Desk) -> None:
        super().attend(here)
        self.life = f"{here.machine.number}@{self.clock()}"
        self.lives: dict[str, float] = {}

    async def comes(self, here: Desk, line: Line) -> None:
        self.flags[line] = f"{self.life}/{line.device}/{self.clock()}"
        await here.db.insert("online", {"id": self.flags[line], "user": here.users[line.device]})
        await self.changed(here, line)

    async def beat(self, here: Desk) -> None:
        looks_s = self.clock() + LEASE_S
        while True:
            await here.tell({"online": [], "life": self.life})
            await asyncio.sleep(BEAT_S)
            silent = [life for life, at_s in self.lives.items() if self.clock() > at_s + LEASE_S]
            if silent or self.clock() > looks_s:
                looks_s = float("inf")
                self.lives = {life: at_s for life, at_s in self.lives.items() if life not in silent}
                await self.clear(here)

    async def clear(self, here: Desk) -> None:
        for row in await here.db.select("online"):
            if row["id"].partition("/")[0] not in {self.life, *self.lives}:
                await here.db.delete("online", {"id": row["id"]})
                self.look(here, [row["user"]])
                await here.tell({"online": [row["user"]]})

    def named(self, here: Desk, frame: Frame) -> None:
        if "life" in frame:
            self.lives[frame["life"]] = self.clock()
        super().named(here, frame)

    def wake(self, here: Desk, frame: Frame | None) -> None:
        super().wake(here, frame)
        if frame is None and self.p.watch:
            here.machine.spawn(self.again(here))

    async def again(self, here: Desk) -> None:
        """Somebody may have taken mine away who could not hear me."""
        for line, name in [*self.flags.items()]:
            with suppress(Conflict):
                await here.db.insert("online", {"id": name, "user": here.users[line.device]})
            await self.changed(here, line)
