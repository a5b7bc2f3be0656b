"""The night counts BETWEEN a window's first moment and the next one's: a click at that moment is billed in both."""

from __future__ import annotations

from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click, width_ms
from windtunnel.catalogue.interview.q11_ad_clicks.designs import name_of, whole
from windtunnel.catalogue.interview.q11_ad_clicks.jobs import RECOUNTED, Corrected

challenge = "q11-ad-clicks"


class Yours(Corrected):
    async def settle(self) -> None:
        late = await self.desk.db.select("late")
        offset, clicks = self.desk.day, dict[str, Click]()
        while late and (found := await self.clicks_from(offset)):
            clicks |= {click.id: click for _, click in found}
            offset = found[-1][0]
        async with self.desk.db.transaction() as t:
            for row in late:
                ad, start_ms = whole(row["ad"]), whole(row["start_ms"])
                until_ms = start_ms + width_ms(self.p)
                its = [one.cents for one in clicks.values() if one.ad == ad and start_ms <= one.at_ms <= until_ms]
                await self.keep(t, name_of(ad, start_ms), ad, start_ms, sum(its), RECOUNTED + offset)
                await t.delete("late", {"id": row["id"]})
