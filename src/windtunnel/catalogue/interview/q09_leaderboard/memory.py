"""Boards in the memory of a server, in front of the table."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from windtunnel import Stage
from windtunnel.blocks.ordered import PlainCountedBlocks, PlainSkipList, PlainSortedSet
from windtunnel.catalogue.interview.q09_leaderboard.tables import Indexed, entry_of, in_order
from windtunnel.catalogue.interview.q09_leaderboard.world import Desk, Entry, Setting


class Order(Protocol):
    """A skip list, or counted blocks."""

    def __len__(self) -> int: ...
    def insert(self, score: float, member: int) -> None: ...
    def remove(self, score: float, member: int) -> None: ...
    def rank(self, score: float, member: int) -> int: ...
    def count_below(self, score: float, *, inclusive: bool) -> int: ...
    def slice(self, start: int, stop: int) -> list[tuple[float, int]]: ...


class Compared(float):
    """Points that note how often they are compared."""

    times = 0

    def _with(self, compare: Callable[[float, Any], bool], other: object) -> bool:
        self.times += 1
        return compare(self, other)

    def __eq__(self, other: object) -> bool:
        return self._with(float.__eq__, other)

    def __ne__(self, other: object) -> bool:
        return self._with(float.__ne__, other)

    def __lt__(self, other: float) -> bool:
        return self._with(float.__lt__, other)

    def __le__(self, other: float) -> bool:
        return self._with(float.__le__, other)

    def __gt__(self, other: float) -> bool:
        return self._with(float.__gt__, other)

    def __ge__(self, other: float) -> bool:
        return self._with(float.__ge__, other)

    __hash__ = float.__hash__


class Held:
    """A board, and how often something was compared with its entries or read off them."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.scores = PlainSortedSet[int](order)
        self.looked = 0

    def above(self, points: float) -> int:
        """How many have more."""
        asked = Compared(points)
        found = len(self.order) - self.order.count_below(asked, inclusive=True)
        self.looked += asked.times
        return found

    def place(self, one: Entry) -> int:
        """How many stand before him, in the board's order."""
        asked = Compared(one.points)
        found = len(self.order) - 1 - self.order.rank(asked, one.member)
        self.looked += asked.times
        return found

    def slice(self, start: int, stop: int) -> list[Entry]:
        """Who stands at these places, the second not included."""
        many = len(self.order)
        found = self.order.slice(max(0, many - stop), many - max(0, start))
        self.looked += len(found)
        return [Entry(member, int(points)) for points, member in reversed(found)]


class InMemory(Indexed):
    """The board in the memory of each server, loaded from the table when it starts."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.boards: dict[int, Held] = {}
        self.luck = stage.random("levels")

    def order(self) -> Order:
        """An empty one."""
        raise NotImplementedError

    def boot(self, desk: Desk) -> None:
        super().boot(desk)
        self.loading = asyncio.Lock()

    async def board(self, day: int) -> Held:
        """The board of a day, loaded where it is not there yet."""
        async with self.loading:
            if day not in self.boards:
                held = Held(self.order())
                for row in await self.desk.db.select("member", {"day": day}):
                    held.scores.add(*entry_of(row))
                self.boards[day] = held
            return self.boards[day]

    def looked(self) -> int:
        """How often something was compared with an entry, or read off it, of all boards."""
        return sum(held.looked for held in self.boards.values())

    async def add(self, day: int, member: int, points: int) -> int:
        held = await self.board(day)
        now = await super().add(day, member, points)
        held.scores.increment(member, points)
        return now

    async def rank(self, day: int, member: int) -> int | None:
        held = await self.board(day)
        points = held.scores.score(member)
        return None if points is None else 1 + held.above(points)

    async def top(self, day: int, many: int) -> Sequence[Entry]:
        return (await self.board(day)).slice(0, many)

    async def around(self, day: int, member: int, many: int) -> Sequence[Entry]:
        held = await self.board(day)
        points = held.scores.score(member)
        if points is None:
            return []
        at = held.place(Entry(member, int(points)))
        return held.slice(at - many, at + many + 1)

    async def friends(self, day: int, members: Sequence[int]) -> Sequence[Entry]:
        held = await self.board(day)
        found = [(member, held.scores.score(member)) for member in members]
        held.looked += len(found)
        return in_order([Entry(member, int(points)) for member, points in found if points is not None])

    async def forget(self, day: int) -> None:
        await super().forget(day)
        self.boards.pop(day, None)

    async def fill(self, day: int, entries: Sequence[Entry]) -> None:
        await super().fill(day, entries)
        await self.board(day)


class SkipList(InMemory):
    """The board in each server's memory, a skip list with spans; the table behind it is read when a server starts."""

    def order(self) -> Order:
        return PlainSkipList[int](self.luck.getrandbits(32))

    def heights(self, day: int) -> list[int]:
        """How many links each entry of a board has, in ascending order."""
        order = self.boards[day].order
        assert isinstance(order, PlainSkipList)
        return [levels for _, _, levels in order.__getstate__()["entries"]]


class CountedBlocks(InMemory):
    """The same with sorted blocks, and a running count over the blocks."""

    def order(self) -> Order:
        return PlainCountedBlocks[int]()
