"""The program knows what it has shown for as long as it runs: put away and started again, it shows the last twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.phones import Phone

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    def take(self, me: Phone, row: Mapping[str, Any]) -> bool:
        self.last: dict[int, int] = getattr(self, "last", {})
        if row["seq"] <= self.last.get(row["chat"], 0):
            return me.first
        self.last[row["chat"]] = row["seq"]
        return me.show(row["chat"], row["text"])
