"""A gateway wakes the phones that it holds itself: those at the other one are told when they come the next time."""

from __future__ import annotations

from collections.abc import Iterable

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def news(self, here: Desk, users: Iterable[int]) -> None:
        self.wake(here, {"users": [*users]})
