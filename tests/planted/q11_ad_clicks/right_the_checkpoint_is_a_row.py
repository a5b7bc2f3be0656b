"""The checkpoint is a row, written in the transaction of the sums: who finds it changed meanwhile begins anew."""

from __future__ import annotations

import json

from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click
from windtunnel.catalogue.interview.q11_ad_clicks.designs import name_of
from windtunnel.catalogue.interview.q11_ad_clicks.jobs import Corrected, Told
from windtunnel.catalogue.interview.q11_ad_clicks.machines import Tables
from windtunnel.engines import Row

challenge = "q11-ad-clicks"
TABLES: Tables = {**Corrected.tables, "state": {"id": int, "next_offset": int, "body": str}}


class Yours(Corrected):
    tables = TABLES

    async def work(self) -> None:
        if self.offset < 0:
            await self.load()
        while found := await self.clicks_from(self.offset):
            before, late = self.offset, list[Click]()
            results: dict[str, Told] = {}
            for offset, click in found:
                for one in self.counted(click, late):
                    results[name_of(one.ad, one.start_ms)] = one
                self.offset = offset
            self.ids.forget(self.watermark.watermark_ms)
            async with self.desk.db.transaction() as t:
                row: Row = {"next_offset": self.offset, "body": self.dump().decode()}
                if not await t.update("state", {"id": 1, "next_offset": before}, row):
                    raise ConnectionError("Somebody else has come further.")
                await self.put(t, results, late)

    async def load(self) -> None:
        await super().load()
        row = await self.desk.db.get("state", 1)
        if row is None:
            await self.desk.db.insert("state", {"id": 1, "next_offset": 0, "body": ""})
        elif row["body"]:
            told = json.loads(str(row["body"]))
            self.ids.restore(told["ids"])
            self.windows.restore(bytes.fromhex(told["windows"]))
            self.offset = told["offset"]
