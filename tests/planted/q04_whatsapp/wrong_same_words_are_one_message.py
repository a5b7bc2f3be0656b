"""The phone knows what it has shown by chat and words: who says yes a second time is not heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.phones import Phone

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    def take(self, me: Phone, row: Mapping[str, Any]) -> bool:
        shown = me.kept.setdefault("words", set())
        if (row["chat"], row["text"]) in shown:
            return me.first
        shown.add((row["chat"], row["text"]))
        return me.show(row["chat"], row["text"])
