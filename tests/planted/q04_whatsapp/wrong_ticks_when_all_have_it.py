"""The first tick waits until all have the message: whose friend is out for a week is not told that it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.phones import Phone
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame, Line

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def hear(self, me: Phone, line: Line, frame: Frame) -> None:
        if "sent" not in frame:
            await super().hear(me, line, frame)

    def receipt(self, me: Phone, row: Mapping[str, Any]) -> None:
        before = len(me.ticks)
        super().receipt(me, row)
        if len(me.ticks) > before and row["what"] == "delivered":
            marks = me.kept[row["chat"], "delivered"]
            for (chat, seq), number in me.kept.get("mine", {}).items():
                if chat == row["chat"] and seq <= min(marks.values()):
                    me.tick(number)
