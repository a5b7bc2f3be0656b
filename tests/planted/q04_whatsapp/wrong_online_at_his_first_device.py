"""Who is online is whose first device holds a line: at the second he reads and types, and is said to have gone."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    def held(self, here: Desk) -> set[int]:
        return {user for user in super().held(here) if here.users.index(user) in {line.device for line in self.lines}}
