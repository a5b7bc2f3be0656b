"""A click is known by its ad, its moment and its price, not by its id: two persons at one moment are billed as one."""

from __future__ import annotations

from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click
from windtunnel.catalogue.interview.q11_ad_clicks.jobs import Corrected

challenge = "q11-ad-clicks"


class Yours(Corrected):
    async def click(self, click: Click) -> None:
        await super().click(click._replace(id=f"{click.ad}/{click.at_ms}/{click.cents}"))
