"""The phone shows whatever comes: what it had shown when its acknowledgement was lost comes again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.phones import Phone

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    def take(self, me: Phone, row: Mapping[str, Any]) -> bool:
        return me.show(row["chat"], row["text"])
