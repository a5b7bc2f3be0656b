"""Gateways tell each other who has come, and not who has gone: that is left to the lease, which each word renews."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    def named(self, here: Desk, frame: Frame) -> None:
        _, before = self.heard.get(frame["gateway"], (0.0, set[int]()))
        super().named(here, {**frame, "online": [*before.union(frame["online"])]})
