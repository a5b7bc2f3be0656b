"""Who is online is who holds a line at the gateway that is asked: of those at the other one it knows nothing."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def beat(self, here: Desk) -> None:
        return
