"""Each inbox of a group has a number of its own, given one after the other: two messages overtake each other there."""

from __future__ import annotations

from contextlib import suppress

from windtunnel.catalogue.interview.q04_whatsapp.designs import whole
from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk, Tables
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame
from windtunnel.engines import Conflict

challenge = "q04-whatsapp"
TABLES: Tables = {**StoreAndForward.tables, "mark": {"id": str, "last": int}}


class Yours(StoreAndForward):
    tables = TABLES

    async def accept(self, here: Desk, device: int, frame: Frame) -> None:
        chat = frame["chat"]
        for to in here.devices(chat):
            name, known = f"{to}/{chat}", f"{frame['say']}/{to}"
            if await here.db.get("mark", name) is None:
                with suppress(Conflict):
                    await here.db.insert("mark", {"id": name, "last": 0})
            async with here.db.transaction() as t:
                mark = await t.get("mark", name, lock=True)
                if await t.get("message", known) is None:
                    seq = whole(mark, "last") + 1
                    await t.update("mark", {"id": name}, {"last": seq})
                    await t.insert("message", {"id": known})
                    row = {"device": to, "chat": chat, "seq": seq, "sender": here.users[device]}
                    told = {"message": frame["say"], "text": frame["text"]}
                    await t.insert("inbox", {"id": f"{name}/{seq}", **row, **told})
