"""Each user is at one gateway, the one that has named him last: when his line there ends he has gone."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame, Line

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    def attend(self, here: Desk) -> None:
        super().attend(here)
        self.where: dict[int, int] = {}

    async def comes(self, here: Desk, line: Line) -> None:
        self.where[here.users[line.device]] = here.machine.number
        await super().comes(here, line)

    def named(self, here: Desk, frame: Frame) -> None:
        self.where |= dict.fromkeys(frame["online"], frame["gateway"])
        super().named(here, frame)

    def held(self, here: Desk) -> set[int]:
        return {user for user in super().held(here) if self.where[user] == here.machine.number}
