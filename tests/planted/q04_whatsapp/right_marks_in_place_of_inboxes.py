"""One log for each chat, and for each device a mark up to which it has it: no row for each device and message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from windtunnel.catalogue.interview.q04_whatsapp.designs import whole
from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk, Said, Tables
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame
from windtunnel.engines import AtLeast, AtMost, Conflict

challenge = "q04-whatsapp"
TABLES: Tables = {
    "message": {"id": str, "chat": int, "seq": int, "sender": int, "message": str, "text": str},
    "mark": {"id": str, "seq": int},
}


class Yours(StoreAndForward):
    tables = TABLES

    async def keep(self, here: Desk, t: Said, sender: int, frame: Frame, seq: int) -> None:
        chat = frame["chat"]
        await t.update("chat", {"id": chat}, {"last": seq})
        row = {"chat": chat, "seq": seq, "sender": sender, "message": frame["say"], "text": frame["text"]}
        await t.insert("message", {"id": frame["say"], **row})

    async def waiting(self, here: Desk, device: int) -> Sequence[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for chat, users in enumerate(here.chats):
            if here.users[device] in users:
                mark = await here.db.get("mark", f"{device}/{chat}")
                last = whole(mark, "seq") if mark else 0
                found += await here.db.select("message", {"chat": chat, "seq": AtLeast(last + 1)}, order_by="seq")
        return found

    async def acknowledged(self, here: Desk, device: int, chat: int, seq: int, sender: int, read: bool) -> None:
        user, news, name = here.users[device], 0, f"{device}/{chat}"
        if user != sender:
            for what in ("delivered", "read") if read else ("delivered",):
                later = {"id": f"{sender}/{chat}/{user}/{what}", "seq": AtMost(seq - 1)}
                news += await here.db.update("receipt", later, {"seq": seq})
        if await here.db.get("mark", name) is None:
            with suppress(Conflict):
                await here.db.insert("mark", {"id": name, "seq": 0})
        await here.db.update("mark", {"id": name, "seq": AtMost(seq - 1)}, {"seq": seq})
        if news:
            await self.news(here, [sender])
