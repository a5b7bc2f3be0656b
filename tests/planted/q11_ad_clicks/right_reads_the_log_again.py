"""No checkpoint: it notes where the oldest open window began in the log, and each sum says how far it counts."""

from __future__ import annotations

from windtunnel.blocks.streams import BoundedDisorder
from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click, ms, start_of, width_ms
from windtunnel.catalogue.interview.q11_ad_clicks.designs import name_of, whole
from windtunnel.catalogue.interview.q11_ad_clicks.jobs import RECOUNTED, Corrected
from windtunnel.catalogue.interview.q11_ad_clicks.machines import Tables
from windtunnel.engines import Row

challenge = "q11-ad-clicks"
TABLES: Tables = {**Corrected.tables, "again": {"id": int, "from_offset": int, "watermark_ms": int}}


class Yours(Corrected):
    tables = TABLES

    async def work(self) -> None:
        if self.offset < 0:
            await self.load()
        while found := await self.clicks_from(self.offset):
            changed: set[tuple[int, int]] = set()
            late: list[Click] = []
            for behind, click in found:
                self.offset = behind
                key = click.ad, start_of(click.at_ms, self.p)
                if click.id not in self.seen:
                    if self.closed_ms(key[1]) <= self.watermark.watermark_ms:
                        late.append(click)
                    else:
                        self.seen[click.id] = key
                        self.first.setdefault(key, behind - 1)
                        self.sums[key] = self.sums.get(key, 0) + click.cents
                        changed.add(key)
                self.watermark.observe(click.at_ms)
            mark = self.watermark.watermark_ms
            over = {key for key in self.sums if self.closed_ms(key[1]) <= mark}
            told = {key for key in self.sums if key[1] + width_ms(self.p) - 1 <= mark and key not in self.told}
            async with self.desk.db.transaction() as t:
                for key in sorted(told | {key for key in changed if key in self.told}):
                    name = name_of(*key)
                    await self.keep(t, name, *key, self.sums[key], self.offset)
                await self.put(t, {}, late)
                at = min((first for key, first in self.first.items() if key not in over), default=self.offset)
                row: Row = {"from_offset": at, "watermark_ms": mark}
                if not await t.update("again", {"id": 1}, row):
                    await t.insert("again", {"id": 1, **row})
            self.told |= told
            for key in over:
                del self.sums[key], self.first[key]
                self.told.discard(key)
            self.seen = {name: key for name, key in self.seen.items() if key not in over}

    def closed_ms(self, start_ms: int) -> int:
        """The watermark at which nothing corrects a window any more."""
        return start_ms + width_ms(self.p) - 1 + self.lateness_ms

    async def load(self) -> None:
        self.watermark = BoundedDisorder(ms(self.p.delay_s))
        self.seen: dict[str, tuple[int, int]] = {}
        self.first: dict[tuple[int, int], int] = {}
        self.sums: dict[tuple[int, int], int] = {}
        self.told: set[tuple[int, int]] = set()
        row = await self.desk.db.get("again", 1)
        self.offset = 0
        if row is not None:
            self.offset = max(whole(row["from_offset"]), self.desk.day)
            self.watermark.watermark_ms = whole(row["watermark_ms"])
        assert self.offset < RECOUNTED
