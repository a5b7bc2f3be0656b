"""Windows wait for the late as long as one can, and drop who comes later: they were told that they are counted."""

from __future__ import annotations

from windtunnel.catalogue.interview.q11_ad_clicks.jobs import Corrected

challenge = "q11-ad-clicks"


class Yours(Corrected):
    async def settle(self) -> None:
        """The windows are closed."""
