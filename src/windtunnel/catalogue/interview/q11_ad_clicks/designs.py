"""Three designs in which the server that takes a click also counts it. Browsers and windows are the same in all."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence

from windtunnel import Stage
from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click, Setting, start_of
from windtunnel.catalogue.interview.q11_ad_clicks.machines import Bill, Desk, Tables
from windtunnel.engines import AtLeast, AtMost, Conflict, Plus, Row, Script, Statements, Store, Where

SUMS: Tables = {"sum": {"id": str, "ad": int, "start_ms": int, "cents": int}}
"""A row for each ad and window."""


def name_of(ad: int, start_ms: int) -> str:
    """The key of an ad's window."""
    return f"{ad}/{start_ms}"


def whole(value: object) -> int:
    """A number of a row."""
    assert isinstance(value, int)
    return value


def summed(rows: Sequence[Row], until_ms: int) -> Bill:
    """A bill from rows of ads' windows."""
    bill: Counter[tuple[int, int]] = Counter()
    for row in rows:
        if whole(row["start_ms"]) < until_ms:
            bill[whole(row["ad"]), whole(row["start_ms"])] += whole(row["cents"])
    return dict(bill)


class Design:
    """What all have in common."""

    tables: Tables = SUMS
    desk: Desk

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.stage, self.p = stage, p

    def boot(self, desk: Desk) -> None:
        """The process has started."""
        self.desk = desk

    async def work(self) -> None:
        """A turn of the job."""

    async def settle(self) -> None:
        """The job of the night."""

    async def bill(self, since_ms: int, until_ms: int) -> Bill:
        """What is billed for the windows that begin in this span."""
        return summed(await self.desk.db.select("sum", {"start_ms": AtLeast(since_ms)}), until_ms)

    async def add(self, t: Statements, ad: int, start_ms: int, cents: int) -> None:
        """Add to what an ad owes for a window."""
        name = name_of(ad, start_ms)
        if not await t.update("sum", {"id": name}, {"cents": Plus(cents)}):
            await t.insert("sum", {"id": name, "ad": ad, "start_ms": start_ms, "cents": cents})


class UpdateCounter(Design):
    """Each click adds to the row of its ad and window."""

    async def click(self, click: Click) -> None:
        start_ms = start_of(click.at_ms, self.p)
        with contextlib.suppress(Conflict):  # unclaimed: or the browser asks again; a figure shows it
            await self.add(self.desk.db, click.ad, start_ms, click.cents)
            return
        await self.add(self.desk.db, click.ad, start_ms, click.cents)  # somebody else has just made the row


class InsertEach(Design):
    """Each click is a row with the browser's id as its key, and the bill is a query that sums them."""

    tables: Tables = {"click": {"id": str, "ad": int, "start_ms": int, "cents": int}}

    async def click(self, click: Click) -> None:
        row: Row = {"id": click.id, "ad": click.ad, "start_ms": start_of(click.at_ms, self.p), "cents": click.cents}
        with contextlib.suppress(Conflict):  # it has told us before
            await self.desk.db.insert("click", row)

    async def bill(self, since_ms: int, until_ms: int) -> Bill:
        return summed(await self.desk.db.select("click", {"start_ms": AtLeast(since_ms)}), until_ms)


def count(store: Store, keys: Sequence[str], args: Sequence[str]) -> int:
    """What `COUNT` does, for the model."""
    if not store.set(keys[0], 1, absent=True):
        return 0
    store.set(keys[1], args[2], absent=True)
    store.zset_increment(keys[2], args[0], float(args[1]))
    return 1


COUNT = Script(
    """
    if not redis.call('SET', KEYS[1], 1, 'NX') then return 0 end
    redis.call('SET', KEYS[2], ARGV[3], 'NX')
    redis.call('ZINCRBY', KEYS[3], ARGV[2], ARGV[1])
    return 1
    """,
    count,
)
"""Count a click that is new: KEYS are its id, the name of this life of the cache, and the sums; ARGV are the ad's
window, the cents, and a name for this life, should it have none."""


def life_and_sums(store: Store, keys: Sequence[str], args: Sequence[str]) -> list[str]:
    """What `LOOK` does, for the model."""
    found = [store.get(keys[0]) or ""]
    for member, score in store.zset_range(keys[1], 0, -1):
        found += [member, str(int(score))]
    return found


LOOK = Script(
    """
    local found = {redis.call('GET', KEYS[1]) or ''}
    for _, one in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')) do found[#found + 1] = one end
    return found
    """,
    life_and_sums,
)
"""The name of this life of the cache, and all sums, in one step."""


class CacheCounters(Design):
    """A script in the cache counts each click that is new, and a job copies the sums to the database."""

    def boot(self, desk: Desk) -> None:
        super().boot(desk)
        self.copied: dict[str, int] = {}

    async def click(self, click: Click) -> None:
        day = self.desk.day_ms
        keys = [f"seen {click.id}", f"life {day}", f"sums {day}"]
        # A cache that has lost its memory begins a new life, with sums of its own: what was copied of the last stays.
        args: list[str | int] = [name_of(click.ad, start_of(click.at_ms, self.p)), click.cents, click.id]
        await self.desk.cache.run(COUNT, keys, args)

    async def work(self) -> None:
        day = self.desk.day_ms
        answer = await self.desk.cache.run(LOOK, [f"life {day}", f"sums {day}"])
        assert isinstance(answer, list)
        life, *pairs = map(str, answer)
        sums = {f"{life}/{name}": int(float(cents)) for name, cents in zip(pairs[::2], pairs[1::2], strict=True)}
        new = {name: cents for name, cents in sums.items() if self.copied.get(name) != cents}
        async with self.desk.db.transaction() as t:
            for name, cents in new.items():
                await self.copy(t, name, cents)
        self.copied.update(new)

    async def copy(self, t: Statements, name: str, cents: int) -> None:
        """Note a sum as it is now, unless it has grown: to note it again changes nothing."""
        grown: Where = {"id": name, "cents": AtMost(cents)}
        if not await t.update("sum", grown, {"cents": cents}) and await t.get("sum", name) is None:
            _, ad, start_ms = name.split("/")
            await t.insert("sum", {"id": name, "ad": int(ad), "start_ms": int(start_ms), "cents": cents})
