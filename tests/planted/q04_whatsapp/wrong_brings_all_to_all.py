"""Each phone is sent all, and shows what is for it: what two people say to each other lies in the memory of others."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk, Said
from windtunnel.catalogue.interview.q04_whatsapp.phones import Phone
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame, Line

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def keep(self, here: Desk, t: Said, sender: int, frame: Frame, seq: int) -> None:
        chat = frame["chat"]
        await t.update("chat", {"id": chat}, {"last": seq})
        await t.insert("message", {"id": frame["say"]})
        for device in range(len(here.users)):
            row = {"device": device, "chat": chat, "seq": seq, "sender": sender, "message": frame["say"]}
            await t.insert("inbox", {"id": f"{device}/{chat}/{seq}", "text": frame["text"], **row})

    async def hear(self, me: Phone, line: Line, frame: Frame) -> None:
        if "new" in frame and me.user not in me.world.chats[frame["new"]["chat"]]:
            await line.send({"have": [frame["new"]["chat"], frame["new"]["seq"], me.user, False]})
        else:
            await super().hear(me, line, frame)
