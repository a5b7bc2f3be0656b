"""The next number is one more than the last, read without a lock: two messages get the same, and a phone shows one."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.designs import whole
from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def accept(self, here: Desk, device: int, frame: Frame) -> None:
        chat = frame["chat"]
        seq = 1 + whole(await here.db.get("chat", chat), "last")
        async with here.db.transaction() as t:
            if await t.get("message", frame["say"]) is None:
                await t.update("chat", {"id": chat}, {"last": seq})
                await t.insert("message", {"id": frame["say"]})
                for other in here.devices(chat):
                    row = {"device": other, "chat": chat, "seq": seq, "sender": here.users[device]}
                    row |= {"message": frame["say"], "text": frame["text"]}
                    await t.insert("inbox", {"id": f"{other}/{frame['say']}", **row})

    async def acknowledged(self, here: Desk, device: int, chat: int, seq: int, sender: int, read: bool) -> None:
        await super().acknowledged(here, device, chat, seq, sender, read)
        await here.db.delete("inbox", {"device": device, "chat": chat, "seq": seq})
