"""Whoever was cut off comes back after ten seconds: all of them at once, again, and those who give up ten later."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.phones import Phone

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    def pause_s(self, me: Phone) -> float:
        return 10.0
