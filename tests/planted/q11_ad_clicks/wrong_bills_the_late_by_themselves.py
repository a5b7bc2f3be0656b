"""Who comes too late for his window is billed by himself, by his id: also who comes again, and was in the window."""

from __future__ import annotations

from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click, start_of
from windtunnel.catalogue.interview.q11_ad_clicks.designs import whole
from windtunnel.catalogue.interview.q11_ad_clicks.jobs import ClickWindows, Told
from windtunnel.catalogue.interview.q11_ad_clicks.machines import Bill, Tables
from windtunnel.engines import AtLeast, Row, Statements

challenge = "q11-ad-clicks"
TABLES: Tables = {**ClickWindows.tables, "alone": {"id": str, "ad": int, "start_ms": int, "cents": int}}


class Yours(ClickWindows):
    tables = TABLES

    async def put(self, t: Statements, results: dict[str, Told], late: list[Click]) -> None:
        await super().put(t, results, late)
        for click in late:
            row: Row = {"id": click.id, "ad": click.ad, "start_ms": start_of(click.at_ms, self.p)}
            if await t.get("alone", click.id) is None:
                await t.insert("alone", {**row, "cents": click.cents})

    async def bill(self, since_ms: int, until_ms: int) -> Bill:
        bill = await super().bill(since_ms, until_ms)
        for row in await self.desk.db.select("alone", {"start_ms": AtLeast(since_ms)}):
            ad, start_ms, cents = (whole(row[name]) for name in ("ad", "start_ms", "cents"))
            if start_ms < until_ms:
                bill[ad, start_ms] = bill.get((ad, start_ms), 0) + cents
        return bill
