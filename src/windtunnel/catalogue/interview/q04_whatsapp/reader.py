"""A phone in front of inboxes: what it shows, what it says that it has, and the ticks beside what was typed there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.catalogue.interview.q04_whatsapp.designs import Held, Stored
from windtunnel.catalogue.interview.q04_whatsapp.phones import Phone
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame, Line


class Reader(Held, Stored):
    """It says of each message that it has it, and whether it was read."""

    async def say(self, me: Phone, line: Line) -> None:
        if me.open:
            await line.send({"open": me.open})
        await super().say(me, line)

    async def hear(self, me: Phone, line: Line, frame: Frame) -> None:
        """Show what is new, say that it is there; tick what was sent, and what others have."""
        if "new" in frame:
            row = frame["new"]
            device, number, *_ = map(int, row["message"].split("/"))
            if device == me.device:
                me.kept.setdefault("mine", {})[row["chat"], row["seq"]] = number
            read = self.take(me, row)
            await line.send({"have": [row["chat"], row["seq"], row["sender"], read]})
        elif "sent" in frame:
            me.tick(int(frame["sent"].partition("/")[2]))
        elif "online" in frame:
            me.see(*frame["online"])
        else:
            self.receipt(me, frame["receipt"])

    def receipt(self, me: Phone, row: Mapping[str, Any]) -> None:
        """Somebody has all up to this number: tick what everybody has."""
        chat, what = row["chat"], row["what"]
        marks = me.kept.setdefault((chat, what), dict.fromkeys(me.others(chat), 0))
        marks[row["reader"]] = max(marks[row["reader"]], row["seq"])
        for (of, seq), number in me.kept.get("mine", {}).items():
            if of == chat and seq <= min(marks.values()):
                me.tick(number, what)
