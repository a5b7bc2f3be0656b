"""Puts the checkpoint first, so that nothing is sent twice: what windows said just before a death nobody ever hears."""

from __future__ import annotations

from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click
from windtunnel.catalogue.interview.q11_ad_clicks.designs import name_of
from windtunnel.catalogue.interview.q11_ad_clicks.jobs import Corrected

challenge = "q11-ad-clicks"


class Yours(Corrected):
    async def work(self) -> None:
        if self.offset < 0:
            await self.load()
        while found := await self.clicks_from(self.offset):
            results = {}
            late: list[Click] = []
            for offset, click in found:
                for one in self.counted(click, late):
                    results[name_of(one.ad, one.start_ms)] = one
                self.offset = offset
            self.ids.forget(self.watermark.watermark_ms)
            await self.desk.objects.put("checkpoint", self.dump())
            if results or late:
                async with self.desk.db.transaction() as t:
                    await self.put(t, results, late)
