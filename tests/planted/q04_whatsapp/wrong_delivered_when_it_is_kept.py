"""The second tick comes as soon as a message lies in the inboxes, whether the phones have it or are out."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk, Said
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def keep(self, here: Desk, t: Said, sender: int, frame: Frame, seq: int) -> None:
        await super().keep(here, t, sender, frame, seq)
        for user in here.chats[frame["chat"]]:
            if user != sender:
                await t.update("receipt", {"id": f"{sender}/{frame['chat']}/{user}/delivered"}, {"seq": seq})
