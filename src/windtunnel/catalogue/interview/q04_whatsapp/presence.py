"""Who is online: what gateways tell each other of it, and what that is when one of them dies.

Nothing of it lasts. Each gateway says again and again who holds a line there; what it has not said again for a while is
no longer so. A phone is told of those whose chats it has open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable

from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.wire import Frame, Line

BEAT_S = 1.0  # unclaimed: three times as long, and who has come is seen a little later
"""So often a gateway says who is there."""
LEASE_S = 3.0
"""For so long that is believed: three words may be lost."""


class Presence:
    """What a gateway that holds lines knows of who is online, for those who look."""

    clock: Callable[[], float]
    lines: dict[Line, asyncio.Event]

    def attend(self, here: Desk) -> None:
        """A gateway begins, and knows nothing."""
        self.open: dict[Line, list[int]] = {}
        self.heard: dict[int, tuple[float, set[int]]] = {}

    async def beat(self, here: Desk) -> None:
        """Say who is here, over and over; and forget whoever was named by a gateway that no longer says anything."""
        while True:
            await here.tell({"gateway": here.machine.number, "online": sorted(self.held(here))})
            await asyncio.sleep(BEAT_S)
            for number, (at_s, users) in [*self.heard.items()]:
                if self.clock() > at_s + LEASE_S:
                    del self.heard[number]
                    self.look(here, users)

    def held(self, here: Desk) -> set[int]:
        """Those who hold a line here."""
        return {here.users[line.device] for line in self.lines}

    def named(self, here: Desk, frame: Frame) -> None:
        """Another gateway says who is there."""
        users = set(frame["online"])
        self.look(here, users ^ self.heard.get(frame["gateway"], (0.0, set()))[1])
        self.heard[frame["gateway"]] = self.clock(), users

    async def online(self, here: Desk, user: int) -> bool:
        """Whether he holds a line, here or where somebody has said so lately."""
        return user in self.held(here) or any(user in users for _, users in self.heard.values())

    async def comes(self, here: Desk, line: Line) -> None:
        """A line opens here."""
        self.look(here, [here.users[line.device]])  # unclaimed: on some seeds all who look open theirs after it

    def goes(self, here: Desk, line: Line) -> None:
        """It is over."""
        self.look(here, [here.users[line.device]])  # unclaimed: on some seeds none who looks from here has a radio

    def watched(self, here: Desk, line: Line) -> Collection[int]:
        """Those of whom a phone is told: whose chats it has open."""
        return self.open.get(line, [])

    def look(self, here: Desk, users: Iterable[int]) -> None:
        """Let the lines look that are told of these."""
        changed = {*users}
        for line, woken in self.lines.items():
            if not changed.isdisjoint(self.watched(here, line)):
                woken.set()

    async def show(self, here: Desk, line: Line, shown: dict[int, bool]) -> None:
        """Tell a phone what has changed of those of whom it is told."""
        for user in self.watched(here, line):
            there = await self.online(here, user)
            if shown.get(user) is not there:
                shown[user] = there  # unclaimed: twice as much is told, which is above the bound on some seeds alone
                await line.send({"online": [user, there]})
