"""Sums and offset are one transaction, the ids are in a set, which is fast: the job's next life has seen nothing."""

from __future__ import annotations

from windtunnel.catalogue.interview.q11_ad_clicks.clicks import start_of
from windtunnel.catalogue.interview.q11_ad_clicks.designs import SUMS, whole
from windtunnel.catalogue.interview.q11_ad_clicks.jobs import FromTheLog
from windtunnel.catalogue.interview.q11_ad_clicks.machines import Tables
from windtunnel.engines import Plus

challenge = "q11-ad-clicks"
TABLES: Tables = {**SUMS, "progress": {"id": int, "next_offset": int}}


class Yours(FromTheLog):
    tables = TABLES
    offset = -1

    async def work(self) -> None:
        if self.offset < 0:
            row = await self.desk.db.get("progress", 1)
            if row is None:
                await self.desk.db.insert("progress", {"id": 1, "next_offset": 0})
            self.offset = 0 if row is None else whole(row["next_offset"])
            self.seen: set[str] = set()
        while found := await self.clicks_from(self.offset):
            async with self.desk.db.transaction() as t:
                step = found[-1][0] - self.offset
                if not await t.update("progress", {"id": 1, "next_offset": self.offset}, {"next_offset": Plus(step)}):
                    raise ConnectionError
                for _, click in found:
                    if click.id not in self.seen:
                        self.seen.add(click.id)
                        await self.add(t, click.ad, start_of(click.at_ms, self.p), click.cents)
            self.offset = found[-1][0]
