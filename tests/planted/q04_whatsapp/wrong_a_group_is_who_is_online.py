"""A message to a group is kept for those who are online: who is not looks it up when he is back, and nobody kept it."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk, Said
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def keep(self, here: Desk, t: Said, sender: int, frame: Frame, seq: int) -> None:
        await super().keep(here, t, sender, frame, seq)
        chat = frame["chat"]
        for device in here.devices(chat):
            if len(here.chats[chat]) > 2 and not await self.online(here, here.users[device]):
                await t.delete("inbox", {"id": f"{device}/{chat}/{seq}"})
