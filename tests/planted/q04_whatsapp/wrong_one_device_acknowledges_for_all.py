"""An inbox for each user: what his one device has is no longer kept for the other, which was out."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def acknowledged(self, here: Desk, device: int, chat: int, seq: int, sender: int, read: bool) -> None:
        await super().acknowledged(here, device, chat, seq, sender, read)
        for other, user in enumerate(here.users):
            if user == here.users[device]:
                await here.db.delete("inbox", {"id": f"{other}/{chat}/{seq}"})
