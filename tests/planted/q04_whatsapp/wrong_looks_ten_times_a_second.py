"""Nobody is woken: a gateway looks ten times a second whether there is something for a line, and mostly is not."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.wire import Line

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def pump(self, here: Desk, line: Line) -> None:
        line.beside(self.tick(line))
        await super().pump(here, line)

    async def tick(self, line: Line) -> None:
        while True:
            await asyncio.sleep(0.1)
            self.lines[line].set()

    async def news(self, here: Desk, users: Iterable[int]) -> None:
        return
