"""Of each device the last id is known: a phone that lost two ticks tells both again, and the first of them is new."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.designs import Stored, whole
from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk, Said, Tables
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame

challenge = "q04-whatsapp"
TABLES: Tables = {**Stored.tables, "device": {"id": int, "last": str}}


class Yours(StoreAndForward):
    tables = TABLES

    async def accept(self, here: Desk, device: int, frame: Frame) -> None:
        chat = frame["chat"]
        async with here.db.transaction() as t:
            seq = 1 + whole(await t.get("chat", chat, lock=True), "last")
            known = await t.get("device", device)
            if known is None:
                await t.insert("device", {"id": device, "last": frame["say"]})
            elif known["last"] == frame["say"]:
                return
            await t.update("device", {"id": device}, {"last": frame["say"]})
            await self.rows(here, t, device, frame, seq)

    async def rows(self, here: Desk, t: Said, device: int, frame: Frame, seq: int) -> None:
        chat = frame["chat"]
        await t.update("chat", {"id": chat}, {"last": seq})
        for other in here.devices(chat):
            row = {"device": other, "chat": chat, "seq": seq, "sender": here.users[device], "message": frame["say"]}
            await t.insert("inbox", {"id": f"{other}/{chat}/{seq}", "text": frame["text"], **row})
