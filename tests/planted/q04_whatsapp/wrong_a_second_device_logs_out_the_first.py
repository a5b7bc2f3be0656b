"""A user has one line at a gateway: his second device logs out the first, which comes again and logs out the second."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.wire import Line

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def talk(self, here: Desk, line: Line) -> None:
        for other in [*self.lines]:
            if here.users[other.device] == here.users[line.device]:
                other.end()
        await super().talk(here, line)
