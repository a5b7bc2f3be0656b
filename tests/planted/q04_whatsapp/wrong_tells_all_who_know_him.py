"""Who comes online is told to all who know him, of whom one in fifteen has his chat on the screen."""

from __future__ import annotations

from collections.abc import Collection

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.wire import Line

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    def watched(self, here: Desk, line: Line) -> Collection[int]:
        return set(range(max(here.users) + 1))
