"""The gateway ticks a message as soon as it has it, and then keeps it: dead in between, it has ticked what is lost."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.wire import Line

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def talk(self, here: Desk, line: Line) -> None:
        self.lines[line] = asyncio.Event()
        line.beside(self.pump(here, line))
        try:
            async for frame in line:
                if "say" in frame:
                    await line.send({"sent": frame["say"]})
                    await self.accept(here, line.device, frame)
                    await self.news(here, here.chats[frame["chat"]])
                else:
                    await self.acknowledged(here, line.device, *frame["have"])
        finally:
            del self.lines[line]
