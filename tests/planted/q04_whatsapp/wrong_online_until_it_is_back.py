"""A gateway is believed whom it has named last, for as long as it takes: it has died, and they have gone."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.catalogue.interview.q04_whatsapp.presence import BEAT_S

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def beat(self, here: Desk) -> None:
        while True:
            await here.tell({"gateway": here.machine.number, "online": sorted(self.held(here))})
            await asyncio.sleep(BEAT_S)
