"""A gateway names all who have come to it, as long as it runs: who has vanished since is named again each second."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.wire import Line

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    def attend(self, here: Desk) -> None:
        super().attend(here)
        self.came: set[int] = set()

    async def comes(self, here: Desk, line: Line) -> None:
        self.came.add(here.users[line.device])
        await super().comes(here, line)

    def held(self, here: Desk) -> set[int]:
        return self.came
