"""A message is read when any device shows it: also one that lies at home, and nobody looks at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.phones import Phone

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    def take(self, me: Phone, row: Mapping[str, Any]) -> bool:
        super().take(me, row)
        return True
