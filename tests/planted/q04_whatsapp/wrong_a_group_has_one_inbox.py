"""A group has one inbox: who acknowledges a message first takes it away from all others."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def acknowledged(self, here: Desk, device: int, chat: int, seq: int, sender: int, read: bool) -> None:
        await super().acknowledged(here, device, chat, seq, sender, read)
        if len(here.chats[chat]) > 2:
            for other in here.devices(chat):
                await here.db.delete("inbox", {"id": f"{other}/{chat}/{seq}"})
