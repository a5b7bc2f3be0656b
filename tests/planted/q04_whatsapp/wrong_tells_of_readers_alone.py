"""The sender is told who has read, and never that a message has come to a phone that lies in a pocket."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.engines import AtMost, Where

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def acknowledged(self, here: Desk, device: int, chat: int, seq: int, sender: int, read: bool) -> None:
        user, news = here.users[device], 0
        if user != sender and read:
            later: Where = {"id": f"{sender}/{chat}/{user}/read", "seq": AtMost(seq - 1)}
            news = await here.db.update("receipt", later, {"seq": seq})
        await here.db.delete("inbox", {"id": f"{device}/{chat}/{seq}"})
        if news:
            await self.news(here, [sender])
