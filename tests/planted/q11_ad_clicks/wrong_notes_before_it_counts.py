"""Notes how far it has come before it counts, so that nothing is counted twice: what it then does not count is lost."""

from __future__ import annotations

from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click
from windtunnel.catalogue.interview.q11_ad_clicks.jobs import OneTransaction
from windtunnel.engines import Statements

challenge = "q11-ad-clicks"


class Yours(OneTransaction):
    async def clicks_from(self, offset: int) -> list[tuple[int, Click]]:
        found = await super().clicks_from(offset)
        if found:
            await super().note(self.desk.db, found[-1][0])
        return found

    async def note(self, t: Statements, offset: int) -> None:
        """It is noted already."""
