"""Four designs in which the server that takes a click only appends it to a log, and a job counts what is there."""

from __future__ import annotations

import json
from collections import Counter
from typing import NamedTuple

from windtunnel.blocks.streams import BoundedDisorder, Deduplicator, Sum, Tumbling, WindowedAggregate
from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click, ms, pack, start_of, unpack, width_ms
from windtunnel.catalogue.interview.q11_ad_clicks.designs import SUMS, Design, name_of, whole
from windtunnel.catalogue.interview.q11_ad_clicks.machines import Bill, Tables
from windtunnel.engines import AtLeast, AtMost, Row, Statements, Where

BATCH = 500  # unclaimed: how many are read at once changes no bill
"""Most records that a job reads at once."""
RECOUNTED = 10**12  # unclaimed: any number beyond those that windows count to
"""A recount is newer than all that windows have said; and one that has read more of the log is newer than another."""


class Told(NamedTuple):
    """What a window says: its sum as of now, and the how-manieth time it says one."""

    ad: int
    start_ms: int
    cents: int
    revision: int


class FromTheLog(Design):
    """What these have in common: the log."""

    async def click(self, click: Click) -> None:
        await self.desk.log.append([pack(click)])

    async def clicks_from(self, offset: int) -> list[tuple[int, Click]]:
        """What is there, each with the offset behind it."""
        return [(record.offset + 1, unpack(record.value)) for record in await self.desk.log.read(offset, BATCH)]


class Batches(FromTheLog):
    """The job adds a batch to the rows of ads and windows, then notes how far it has come; ids are in its memory."""

    offset = -1  # unclaimed: any number below nothing

    async def work(self) -> None:
        if self.offset < 0:
            self.offset = await self.desk.log.committed("job")
            self.known: set[str] = set()
        while found := await self.clicks_from(self.offset):
            sums: Counter[tuple[int, int]] = Counter()
            for _, click in found:
                if click.id not in self.known:
                    self.known.add(click.id)
                    sums[click.ad, start_of(click.at_ms, self.p)] += click.cents
            async with self.desk.db.transaction() as t:
                for (ad, start_ms), cents in sums.items():
                    await self.add(t, ad, start_ms, cents)
            await self.desk.log.commit("job", found[-1][0])
            self.offset = found[-1][0]


class OneTransaction(FromTheLog):
    """Sums, the ids of all clicks of the day, and how far it has come are one transaction; no window ever closes."""

    tables: Tables = {**SUMS, "seen": {"id": str}, "progress": {"id": int, "next_offset": int}}
    offset = -1  # unclaimed: any number below nothing

    async def work(self) -> None:
        if self.offset < 0:
            await self.load()
        while found := await self.clicks_from(self.offset):
            new: dict[str, Click] = {}
            for _, click in found:
                if click.id not in self.known:
                    new.setdefault(click.id, click)
            sums: Counter[tuple[int, int]] = Counter()
            async with self.desk.db.transaction() as t:
                await self.note(t, found[-1][0])  # unclaimed: the ids keep it right; it only spares reading again
                for click in new.values():
                    await t.insert("seen", {"id": click.id})
                    sums[click.ad, start_of(click.at_ms, self.p)] += click.cents
                for (ad, start_ms), cents in sums.items():
                    await self.add(t, ad, start_ms, cents)
            self.known.update(new)  # unclaimed: a key of the table refuses who is counted twice; the job starts again
            self.offset = found[-1][0]  # unclaimed: the same

    async def load(self) -> None:
        """How far it has come, and what it has seen."""
        row = await self.desk.db.get("progress", 1)  # unclaimed: the same
        self.known = {str(seen["id"]) for seen in await self.desk.db.select("seen")}
        self.offset = 0 if row is None else whole(row["next_offset"])

    async def note(self, t: Statements, offset: int) -> None:
        """Note how far it comes. Should another job be further, the keys of the ids refuse ours."""
        if not await t.update("progress", {"id": 1}, {"next_offset": offset}):  # unclaimed: the same
            await t.insert("progress", {"id": 1, "next_offset": offset})  # unclaimed: the same


class ClickWindows(FromTheLog):
    """Event-time windows with a watermark, a checkpoint of all that is open, and a sink that knows what it has."""

    tables: Tables = {"window": {"id": str, "ad": int, "start_ms": int, "cents": int, "revision": int}}
    offset = -1  # unclaimed: any number below nothing

    @property
    def lateness_ms(self) -> int:
        """For how long a window that has fired is corrected: not at all."""
        return 0

    async def work(self) -> None:
        if self.offset < 0:
            await self.load()
        while found := await self.clicks_from(self.offset):
            results: dict[str, Told] = {}
            late: list[Click] = []
            for offset, click in found:
                for one in self.counted(click, late):
                    results[name_of(one.ad, one.start_ms)] = one
                self.offset = offset
            self.ids.forget(self.windows.watermark_ms)
            if results or late:
                async with self.desk.db.transaction() as t:
                    await self.put(t, results, late)
            await self.desk.objects.put("checkpoint", self.dump())

    def counted(self, click: Click, late: list[Click]) -> list[Told]:
        """What windows say to a click; one that none of them takes is put with the late ones."""
        results, before = [], self.windows.late
        if self.ids.first_time(click.id, click.at_ms):
            results += self.windows.add(click.ad, click.at_ms, click.cents)
        if self.windows.late > before:
            late.append(click)
        results += self.windows.advance(self.watermark.observe(click.at_ms))
        return [Told(whole(one.key), one.window.start_ms, whole(one.value), one.revision) for one in results]

    async def put(self, t: Statements, results: dict[str, Told], late: list[Click]) -> None:
        """Keep of each window the newest; the late are dropped."""
        for name, one in results.items():
            await self.keep(t, name, *one)

    async def keep(self, t: Statements, name: str, ad: int, start_ms: int, cents: int, revision: int) -> None:
        """Note what a window holds, unless something newer is known of it."""
        changes: Row = {"cents": cents, "revision": revision}
        older: Where = {"id": name, "revision": AtMost(revision)}  # unclaimed: who wakes up says the newest in the end
        if not await t.update("window", older, changes) and await t.get("window", name) is None:
            await t.insert("window", {"id": name, "ad": ad, "start_ms": start_ms, **changes})

    async def bill(self, since_ms: int, until_ms: int) -> Bill:
        rows = await self.desk.db.select("window", {"start_ms": AtLeast(since_ms)})
        return {
            (whole(row["ad"]), whole(row["start_ms"])): whole(row["cents"])
            for row in rows
            if whole(row["start_ms"]) < until_ms
        }

    # --- checkpoints ---------------------------------------------------------------------------------------------
    async def load(self) -> None:
        """Go on where the last checkpoint stands."""
        self.windows: WindowedAggregate[float, float] = WindowedAggregate(
            Tumbling(width_ms(self.p)), Sum(), allowed_lateness_ms=self.lateness_ms
        )
        self.watermark = BoundedDisorder(ms(self.p.delay_s))
        # Whose id has been forgotten comes too late for every window, so that it is not counted again.
        self.ids = Deduplicator(width_ms(self.p) + self.lateness_ms)
        found = await self.desk.objects.get("checkpoint")
        if found is None:
            self.offset = 0
            return
        told = json.loads(found.body)
        self.ids.restore(told["ids"])
        self.windows.restore(bytes.fromhex(told["windows"]))
        self.offset = told["offset"]

    def dump(self) -> bytes:
        """All that it knows, and how far it has come."""
        told = {"offset": self.offset, "ids": self.ids.dump(), "windows": self.windows.to_bytes().hex()}
        return json.dumps(told).encode()


class Corrected(ClickWindows):
    """The same; late clicks correct their window, and at night those that were too late have theirs counted again."""

    tables: Tables = {**ClickWindows.tables, "late": {"id": str, "ad": int, "start_ms": int}}

    @property
    def lateness_ms(self) -> int:
        return ms(self.p.lateness_s)

    async def put(self, t: Statements, results: dict[str, Told], late: list[Click]) -> None:
        await super().put(t, results, late)
        for click in late:
            if await t.get("late", click.id) is None:
                row: Row = {"id": click.id, "ad": click.ad, "start_ms": start_of(click.at_ms, self.p)}
                await t.insert("late", row)

    async def settle(self) -> None:
        """Count windows again to which something came too late: all that the log has, each id once."""
        late = await self.desk.db.select("late")
        if not late:  # unclaimed: it would read the log for nothing
            return  # unclaimed: the same
        sums: Counter[tuple[int, int]] = Counter()
        again = {(whole(row["ad"]), whole(row["start_ms"])) for row in late}
        offset, known = self.desk.day, set()
        while found := await self.clicks_from(offset):
            for _, click in found:
                key = click.ad, start_of(click.at_ms, self.p)
                if key in again and click.id not in known:
                    known.add(click.id)
                    sums[key] += click.cents
            offset = found[-1][0]
        async with self.desk.db.transaction() as t:
            for (ad, start_ms), cents in sums.items():
                await self.keep(t, name_of(ad, start_ms), ad, start_ms, cents, RECOUNTED + offset)
            for row in late:  # unclaimed: what stays is counted again each night, and comes to the same
                await t.delete("late", {"id": row["id"]})  # unclaimed: the same
