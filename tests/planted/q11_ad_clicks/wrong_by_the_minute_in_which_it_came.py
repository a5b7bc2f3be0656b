"""A click belongs to the minute in which it came, by the newest click: the late are billed in the wrong one."""

from __future__ import annotations

from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click
from windtunnel.catalogue.interview.q11_ad_clicks.jobs import OneTransaction

challenge = "q11-ad-clicks"


class Yours(OneTransaction):
    newest_ms = 0

    async def clicks_from(self, offset: int) -> list[tuple[int, Click]]:
        found = []
        for behind, click in await super().clicks_from(offset):
            self.newest_ms = max(self.newest_ms, click.at_ms)
            found.append((behind, click._replace(at_ms=self.newest_ms)))
        return found
