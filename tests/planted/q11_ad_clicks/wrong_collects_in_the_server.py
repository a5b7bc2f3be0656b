"""The server collects a few clicks and appends them together, and tells each at once: its death takes them along."""

from __future__ import annotations

from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click, pack
from windtunnel.catalogue.interview.q11_ad_clicks.jobs import Corrected
from windtunnel.catalogue.interview.q11_ad_clicks.machines import Desk

challenge = "q11-ad-clicks"


class Yours(Corrected):
    def boot(self, desk: Desk) -> None:
        super().boot(desk)
        self.collected: list[bytes] = []

    async def click(self, click: Click) -> None:
        self.collected.append(pack(click))
        if len(self.collected) == 3 or click.ad == 0:
            await self.desk.log.append(self.collected)
            self.collected = []
