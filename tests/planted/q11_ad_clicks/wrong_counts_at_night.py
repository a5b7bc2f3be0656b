"""Nobody counts by day; at night a job reads the whole log, each id once. The bill is right, and a day late."""

from __future__ import annotations

from collections import Counter

from windtunnel.catalogue.interview.q11_ad_clicks.clicks import start_of
from windtunnel.catalogue.interview.q11_ad_clicks.designs import name_of
from windtunnel.catalogue.interview.q11_ad_clicks.jobs import FromTheLog

challenge = "q11-ad-clicks"


class Yours(FromTheLog):
    async def settle(self) -> None:
        offset, known = self.desk.day, set()
        sums: Counter[tuple[int, int]] = Counter()
        while found := await self.clicks_from(offset):
            for _, click in found:
                if click.id not in known:
                    known.add(click.id)
                    sums[click.ad, start_of(click.at_ms, self.p)] += click.cents
            offset = found[-1][0]
        async with self.desk.db.transaction() as t:
            for (ad, start_ms), cents in sums.items():
                name = name_of(ad, start_ms)
                if not await t.update("sum", {"id": name}, {"cents": cents}):
                    await t.insert("sum", {"id": name, "ad": ad, "start_ms": start_ms, "cents": cents})
