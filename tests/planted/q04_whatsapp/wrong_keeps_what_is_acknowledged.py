"""What a device has stays in its inbox, for phones know what they have shown: each new line brings all again."""

from __future__ import annotations

from windtunnel.catalogue.interview.q04_whatsapp.inboxes import StoreAndForward
from windtunnel.catalogue.interview.q04_whatsapp.machines import Desk
from windtunnel.engines import AtMost, Where

challenge = "q04-whatsapp"


class Yours(StoreAndForward):
    async def acknowledged(self, here: Desk, device: int, chat: int, seq: int, sender: int, read: bool) -> None:
        user, news = here.users[device], 0
        if user != sender:
            for what in ("delivered", "read") if read else ("delivered",):
                later: Where = {"id": f"{sender}/{chat}/{user}/{what}", "seq": AtMost(seq - 1)}
                news += await here.db.update("receipt", later, {"seq": seq})
        if news:
            await self.news(here, [sender])
