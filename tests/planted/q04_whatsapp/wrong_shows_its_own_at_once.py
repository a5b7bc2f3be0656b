"""A phone shows at once what is typed on it, and passes over it when it comes: its chat has another order."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.phones import Phone

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def phone(self, me: Phone) -> None:
        await asyncio.gather(self.echo(me), super().phone(me))

    async def echo(self, me: Phone) -> None:
        while True:
            for message in await me.typed(me.kept.get("echoed", 0)):
                me.kept["echoed"] = message.number
                me.show(message.chat, message.text)

    def take(self, me: Phone, row: Mapping[str, Any]) -> bool:
        if int(row["message"].partition("/")[0]) != me.device:
            return super().take(me, row)
        me.kept.setdefault("last", {})[row["chat"]] = row["seq"]
        return me.first
