"""A set of those who are online: a line puts its owner in, and its end takes him out, whatever other line he has."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.wire import Line

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    def attend(self, here: Desk) -> None:
        super().attend(here)
        self.there: set[int] = set()

    async def comes(self, here: Desk, line: Line) -> None:
        self.there.add(here.users[line.device])
        await super().comes(here, line)

    def goes(self, here: Desk, line: Line) -> None:
        self.there.discard(here.users[line.device])
        super().goes(here, line)

    def held(self, here: Desk) -> set[int]:
        return self.there
