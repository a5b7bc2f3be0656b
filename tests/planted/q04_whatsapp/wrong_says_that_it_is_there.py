"""Each phone says four times a second that it is there, day and night: nearly all that a gateway hears is that."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.phones import Phone
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame, Line

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def beat(self, line: Line) -> None:
        while True:
            await line.send({"have": [-1, -1, -1, False]})
            await asyncio.sleep(0.25)

    async def hear(self, me: Phone, line: Line, frame: Frame) -> None:
        if line not in me.kept.setdefault("lines", []):
            me.kept["lines"].append(line)
            line.beside(self.beat(line))
        await super().hear(me, line, frame)

    async def acknowledged(self, here: Desk, device: int, chat: int, seq: int, sender: int, read: bool) -> None:
        if chat >= 0:
            await super().acknowledged(here, device, chat, seq, sender, read)
