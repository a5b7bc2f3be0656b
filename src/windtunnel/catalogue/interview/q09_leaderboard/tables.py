"""Boards in a relational database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.interview.q09_leaderboard.world import Desk, Entry, Layout, Setting
from windtunnel.engines import AtLeast, AtMost, Conflict, Plus, Row, Statements, Value

BITS = 20
"""Of a place, for a member's number; the points stand above them."""
COLUMNS = {"id": str, "day": int, "place": int}
BY_PLACE = ("day", "place", "id")


def key(day: int, member: int) -> str:
    """Of a member's row."""
    return f"{day}/{member}"


def place_of(points: int, member: int) -> int:
    """One number by which a board is in order: points, then members."""
    return (points << BITS) | member


def entry_of(row: Mapping[str, Value]) -> Entry:
    """What a row says."""
    place = int(row["place"] or 0)
    return Entry(place & (1 << BITS) - 1, place >> BITS)


def more_than(points: int) -> AtLeast:
    """Places of those who have more."""
    return AtLeast(place_of(points + 1, 0))


class Indexed:
    """A table with an index by points; a rank is COUNT(*) of those who have more."""

    tables: Mapping[str, Layout] = {"member": Layout(COLUMNS, [BY_PLACE])}
    caches = 0

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.p: Any = p
        self.desk: Desk

    def boot(self, desk: Desk) -> None:
        self.desk = desk

    async def add(self, day: int, member: int, points: int) -> int:
        changes = self.change(points)
        while not (rows := await self.desk.db.update_returning("member", {"id": key(day, member)}, changes)):
            try:
                await self.desk.db.insert("member", self.row(day, Entry(member, points)))
            except Conflict:  # somebody else was first
                continue
            return points
        return entry_of(rows[0]).points

    async def rank(self, day: int, member: int) -> int | None:
        async with self.desk.db.transaction("repeatable read") as t:  # what he has and who has more, at one moment
            row = await t.get("member", key(day, member))
            return None if row is None else 1 + await self.above(t, day, entry_of(row))

    async def above(self, t: Statements, day: int, one: Entry) -> int:
        """How many have more than he."""
        return await t.count("member", {"day": day, "place": more_than(one.points)})

    async def top(self, day: int, many: int) -> Sequence[Entry]:
        rows = await self.desk.db.select("member", {"day": day}, order_by="place", descending=True, limit=many)
        return [*map(entry_of, rows)]

    async def around(self, day: int, member: int, many: int) -> Sequence[Entry]:
        async with self.desk.db.transaction("repeatable read") as t:
            row = await t.get("member", key(day, member))
            if row is None:
                return []
            at = int(row["place"] or 0)
            before = await t.select("member", {"day": day, "place": AtLeast(at + 1)}, order_by="place", limit=many)
            behind = await t.select(
                "member", {"day": day, "place": AtMost(at - 1)}, order_by="place", descending=True, limit=many
            )
        return [*map(entry_of, [*before[::-1], row, *behind])]

    async def friends(self, day: int, members: Sequence[int]) -> Sequence[Entry]:
        async with self.desk.db.transaction("repeatable read") as t:
            rows = [await t.get("member", key(day, member)) for member in members]
        return in_order([entry_of(row) for row in rows if row is not None])

    async def forget(self, day: int) -> None:
        for table in self.tables:
            await self.desk.db.delete(table, {"day": day})

    async def fill(self, day: int, entries: Sequence[Entry]) -> None:
        await self.desk.db.make("member", [self.row(day, one) for one in entries])

    async def turn(self, day: int) -> None:
        """Nothing is to be done."""

    def row(self, day: int, one: Entry) -> Row:
        """Of a member."""
        return {"id": key(day, one.member), "day": day, "place": place_of(one.points, one.member)}

    def change(self, points: int) -> dict[str, Value | Plus]:
        """What changes in his row where he gets points."""
        return {"place": Plus(points << BITS)}


def in_order(entries: Sequence[Entry]) -> list[Entry]:
    """Most points first, of equals the greater number."""
    return sorted(entries, key=lambda one: (-one.points, -one.member))


class NoIndex(Indexed):
    """A table, ORDER BY for the first ten, COUNT(*) for a rank, and no index."""

    tables: Mapping[str, Layout] = {"member": Layout(COLUMNS)}


class RankColumn(Indexed):
    """The same with an index, and a column of ranks that a job fills by a window function, now and then."""

    tables: Mapping[str, Layout] = {"member": Layout({**COLUMNS, "points": int, "rank": int}, [BY_PLACE])}

    async def rank(self, day: int, member: int) -> int | None:
        row = await self.desk.db.get("member", key(day, member))
        return None if row is None or row["rank"] is None else int(row["rank"])

    async def turn(self, day: int) -> None:
        await self.desk.db.rank_all("member", {"day": day}, by="points", into="rank")

    async def fill(self, day: int, entries: Sequence[Entry]) -> None:
        many = Counter(one.points for one in entries)
        ranks, rank = {}, 1
        for points in sorted(many, reverse=True):
            ranks[points] = rank
            rank += many[points]
        await self.desk.db.make("member", [{**self.row(day, one), "rank": ranks[one.points]} for one in entries])

    def row(self, day: int, one: Entry) -> Row:
        return {**super().row(day, one), "points": one.points}

    def change(self, points: int) -> dict[str, Value | Plus]:
        return {**super().change(points), "points": Plus(points)}


class Counts(Indexed):
    """An index, and beside it a table of how many have how many points, by steps of fifty."""

    tables: Mapping[str, Layout] = {
        "member": Layout({**COLUMNS, "step": int}, [BY_PLACE, ("day", "step", "place", "id")]),
        "step": Layout({"id": str, "day": int, "step": int, "members": int}, [("day", "step", "id")]),
    }

    def step_of(self, points: int) -> int:
        """On which step one stands with so many points."""
        return int(points // self.p.width)

    async def add(self, day: int, member: int, points: int) -> int:
        while True:
            try:
                async with self.desk.db.transaction() as t:
                    return await self.put(t, day, member, points)
            except Conflict:  # somebody else has put in the row that was missing
                continue

    async def put(self, t: Statements, day: int, member: int, points: int) -> int:
        """Give him points, and count him where he stands now."""
        row = await t.get("member", key(day, member), lock=True)
        had = 0 if row is None else entry_of(row).points
        now = Entry(member, had + points)
        old, new = None if row is None else self.step_of(had), self.step_of(now.points)
        if row is None:
            await t.insert("member", self.row(day, now))
        else:
            changes = {"place": place_of(now.points, member), "step": new}
            await t.update("member", {"id": key(day, member)}, changes)
        if old != new:
            moves = [(new, 1)] if old is None else sorted([(old, -1), (new, 1)])
            for step, by in moves:  # always the lower first, so that nobody waits in a circle
                if not await t.update("step", {"id": key(day, step)}, {"members": Plus(by)}):
                    await t.insert("step", {"id": key(day, step), "day": day, "step": step, "members": by})
        return now.points

    async def above(self, t: Statements, day: int, one: Entry) -> int:
        step = self.step_of(one.points)
        rows = await t.select("step", {"day": day, "step": AtLeast(step + 1)})
        same = await t.count("member", {"day": day, "step": step, "place": more_than(one.points)})
        return same + sum(int(row["members"] or 0) for row in rows)

    async def fill(self, day: int, entries: Sequence[Entry]) -> None:
        await super().fill(day, entries)
        many = Counter(self.step_of(one.points) for one in entries)
        rows: list[Row] = [
            {"id": key(day, step), "day": day, "step": step, "members": n} for step, n in sorted(many.items())
        ]
        await self.desk.db.make("step", rows)

    def row(self, day: int, one: Entry) -> Row:
        return {**super().row(day, one), "step": self.step_of(one.points)}
