"""The id is kept first, and the message in a transaction of its own: dead in between, it is known and nowhere."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.designs import whole
from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame
from windtunnel.engines import Conflict

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def accept(self, here: Desk, device: int, frame: Frame) -> None:
        chat = frame["chat"]
        try:
            await here.db.insert("message", {"id": frame["say"]})
        except Conflict:
            return
        async with here.db.transaction() as t:
            seq = 1 + whole(await t.get("chat", chat, lock=True), "last")
            await t.update("chat", {"id": chat}, {"last": seq})
            for other in here.devices(chat):
                row = {"device": other, "chat": chat, "seq": seq, "sender": here.users[device]}
                row |= {"message": frame["say"], "text": frame["text"]}
                await t.insert("inbox", {"id": f"{other}/{chat}/{seq}", **row})
