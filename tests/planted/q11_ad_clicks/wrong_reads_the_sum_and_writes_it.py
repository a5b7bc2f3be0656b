"""The server looks up the sum and writes it back with the click added: two at one moment write the same sum."""

from __future__ import annotations

from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click, start_of
from windtunnel.catalogue.interview.q11_ad_clicks.designs import SUMS, Design, name_of, whole
from windtunnel.catalogue.interview.q11_ad_clicks.machines import Tables
from windtunnel.engines import Conflict

challenge = "q11-ad-clicks"
TABLES: Tables = {**SUMS, "seen": {"id": str}}


class Yours(Design):
    tables = TABLES

    async def click(self, click: Click) -> None:
        start_ms = start_of(click.at_ms, self.p)
        name = name_of(click.ad, start_ms)
        try:
            async with self.desk.db.transaction() as t:
                await t.insert("seen", {"id": click.id})
                row = await t.get("sum", name)
                if row is None:
                    await t.insert("sum", {"id": name, "ad": click.ad, "start_ms": start_ms, "cents": click.cents})
                else:
                    await t.update("sum", {"id": name}, {"cents": whole(row["cents"]) + click.cents})
        except Conflict:
            if await self.desk.db.get("seen", click.id) is None:
                await self.click(click)
