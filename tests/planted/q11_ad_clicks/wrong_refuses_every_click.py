"""Takes no clicks, so that nobody is ever billed twice."""

from __future__ import annotations

from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click
from windtunnel.catalogue.interview.q11_ad_clicks.designs import Design

challenge = "q11-ad-clicks"


class Yours(Design):
    async def click(self, click: Click) -> None:
        raise TimeoutError
