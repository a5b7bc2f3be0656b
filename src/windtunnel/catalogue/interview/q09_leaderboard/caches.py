"""Boards in sorted sets of a cache: in one, or over several servers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.interview.q09_leaderboard.tables import in_order
from windtunnel.catalogue.interview.q09_leaderboard.world import Desk, Entry, Layout, Setting
from windtunnel.engines import CachePort, Script, Store

FEW = 500
"""Members that are put in by one command."""


def board(day: int) -> str:
    """The key of a day's board."""
    return f"board {day}"


def name(member: int) -> str:
    """A member as the cache has him: in the order of numbers."""
    return f"{member:07d}"


def flat(pairs: Sequence[tuple[str, float]]) -> list[str | int]:
    """Members and points in turns, as a script gives them back."""
    return [part for member, points in pairs for part in (member, int(points))]


def entries_of(found: Any) -> list[Entry]:
    """What such a script has said."""
    parts = found or []
    return [Entry(int(parts[i]), int(float(parts[i + 1]))) for i in range(0, len(parts), 2)]


def _own(store: Store, keys: Sequence[str], args: Sequence[str]) -> Any:
    points = store.zset_score(keys[0], args[0])
    return None if points is None else [int(points), store.zset_count(keys[0], points + 1, inf)]


def _around(store: Store, keys: Sequence[str], args: Sequence[str]) -> Any:
    at, many = store.zset_rank(keys[0], args[0], reverse=True), int(args[1])
    return None if at is None else flat(store.zset_range(keys[0], max(0, at - many), at + many, reverse=True))


def _near(store: Store, keys: Sequence[str], args: Sequence[str]) -> Any:
    points, many = float(args[0]), int(args[1])
    above, same = store.zset_count(keys[0], points + 1, inf), store.zset_count(keys[0], points, points)
    return flat(store.zset_range(keys[0], max(0, above - many), above + same + many - 1, reverse=True))


def _scores(store: Store, keys: Sequence[str], args: Sequence[str]) -> Any:
    found = [store.zset_score(keys[0], member) for member in args]
    return ["" if points is None else str(int(points)) for points in found]


def _fill(store: Store, keys: Sequence[str], args: Sequence[str]) -> Any:
    for points, member in zip(args[::2], args[1::2], strict=True):
        store.zset_add(keys[0], member, float(points))


def _totals(store: Store, keys: Sequence[str], args: Sequence[str]) -> Any:
    for key, points in zip(keys, args, strict=True):
        store.set(key, points)


OWN = Script(
    """
local points = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not points then return false end
return {points, redis.call('ZCOUNT', KEYS[1], '(' .. points, '+inf')}
""",
    _own,
)
"""What a member has, and how many have more, at one moment."""
AROUND = Script(
    """
local at = redis.call('ZREVRANK', KEYS[1], ARGV[1])
if not at then return false end
local many = tonumber(ARGV[2])
return redis.call('ZREVRANGE', KEYS[1], math.max(0, at - many), at + many, 'WITHSCORES')
""",
    _around,
)
"""A page around a member."""
NEAR = Script(
    """
local above = redis.call('ZCOUNT', KEYS[1], '(' .. ARGV[1], '+inf')
local same = redis.call('ZCOUNT', KEYS[1], ARGV[1], ARGV[1])
local many = tonumber(ARGV[2])
return redis.call('ZREVRANGE', KEYS[1], math.max(0, above - many), above + same + many - 1, 'WITHSCORES')
""",
    _near,
)
"""Who has as many points as somebody of another server, and so many before and behind these."""
SCORES = Script(
    """
local found = {}
for i, member in ipairs(ARGV) do found[i] = redis.call('ZSCORE', KEYS[1], member) or '' end
return found
""",
    _scores,
)
TOTALS = Script("for i, key in ipairs(KEYS) do redis.call('SET', key, ARGV[i]) end return 1", _totals)
FILL = Script("redis.call('ZADD', KEYS[1], unpack(ARGV)) return 1", _fill)


class CacheSet:
    """A sorted set of a cache for each day; a rank, and a page around somebody, are one script each."""

    tables: Mapping[str, Layout] = {}
    caches = 1

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.p = p
        self.desk: Desk

    def boot(self, desk: Desk) -> None:
        self.desk = desk

    @property
    def cache(self) -> CachePort:
        """The one there is."""
        return self.desk.caches[0]

    async def add(self, day: int, member: int, points: int) -> int:
        return int(await self.cache.zset_increment(board(day), name(member), points))

    async def rank(self, day: int, member: int) -> int | None:
        found: Any = await self.cache.run(OWN, [board(day)], [name(member)])
        return None if found is None else 1 + int(found[1])

    async def top(self, day: int, many: int) -> Sequence[Entry]:
        return entries_of(flat(await self.cache.zset_range(board(day), 0, many - 1, reverse=True)))

    async def around(self, day: int, member: int, many: int) -> Sequence[Entry]:
        return entries_of(await self.cache.run(AROUND, [board(day)], [name(member), many]))

    async def friends(self, day: int, members: Sequence[int]) -> Sequence[Entry]:
        found: Any = await self.cache.run(SCORES, [board(day)], [*map(name, members)])
        return in_order([Entry(one, int(float(has))) for one, has in zip(members, found, strict=True) if has != ""])

    async def forget(self, day: int) -> None:
        await self.cache.delete(board(day))

    async def fill(self, day: int, entries: Sequence[Entry]) -> None:
        await fill(self.cache, day, entries)

    async def turn(self, day: int) -> None:
        """Nothing is to be done."""


async def fill(cache: CachePort, day: int, entries: Sequence[Entry]) -> None:
    """Put all of them in."""
    for start in range(0, len(entries), FEW):
        args = [part for one in entries[start : start + FEW] for part in (one.points, name(one.member))]
        await cache.run(FILL, [board(day)], args)


class Sharded(CacheSet):
    """Sorted sets on several servers, by members: a rank is the sum of what each counts."""

    caches = 3

    def home(self, member: int) -> CachePort:
        """Where he is kept."""
        return self.desk.caches[member % self.caches]

    async def add(self, day: int, member: int, points: int) -> int:
        return int(await self.home(member).zset_increment(board(day), name(member), points))

    async def rank(self, day: int, member: int) -> int | None:
        home = self.home(member)
        found: Any = await home.run(OWN, [board(day)], [name(member)])
        if found is None:
            return None
        others = [one for one in self.desk.caches if one is not home]
        more = float(found[0]) + 1
        return 1 + int(found[1]) + sum(await asyncio.gather(*(o.zset_count(board(day), more, inf) for o in others)))

    async def top(self, day: int, many: int) -> Sequence[Entry]:
        firsts = await asyncio.gather(
            *(one.zset_range(board(day), 0, many - 1, reverse=True) for one in self.desk.caches)
        )
        return in_order([entry for found in firsts for entry in entries_of(flat(found))])[:many]

    async def around(self, day: int, member: int, many: int) -> Sequence[Entry]:
        points = await self.home(member).zset_score(board(day), name(member))
        if points is None:
            return []
        asked = [int(points), many]
        parts = await asyncio.gather(*(one.run(NEAR, [board(day)], asked) for one in self.desk.caches))
        found = in_order([entry for part in parts for entry in entries_of(part)])
        at = next((i for i, one in enumerate(found) if one.member == member), None)
        return [] if at is None else found[max(0, at - many) : at + many + 1]

    async def friends(self, day: int, members: Sequence[int]) -> Sequence[Entry]:
        found = await asyncio.gather(*(self.home(one).zset_score(board(day), name(one)) for one in members))
        return in_order([Entry(one, int(has)) for one, has in zip(members, found, strict=True) if has is not None])

    async def forget(self, day: int) -> None:
        await asyncio.gather(*(one.delete(board(day)) for one in self.desk.caches))

    async def fill(self, day: int, entries: Sequence[Entry]) -> None:
        for i, cache in enumerate(self.desk.caches):
            await fill(cache, day, [one for one in entries if one.member % self.caches == i])


class ByPoints(Sharded):
    """Sorted sets on several servers, by points: who crosses a bound is taken out of one and put into the next."""

    def at(self, points: int) -> int:
        """The number of the server for so many points; greater numbers have more."""
        return max(0, min(self.caches - 1, points * self.caches // self.p.most))

    def total(self, day: int, member: int) -> str:
        """The key of what he has."""
        return f"points {day} {member}"

    async def points(self, day: int, member: int) -> int | None:
        """What he has."""
        found = await self.home(member).get(self.total(day, member))
        return None if found is None else int(found)

    async def add(self, day: int, member: int, points: int) -> int:
        now = await self.home(member).increment(self.total(day, member), points)
        if self.at(now - points) != self.at(now):
            await self.desk.caches[self.at(now - points)].zset_remove(board(day), name(member))
        await self.desk.caches[self.at(now)].zset_add(board(day), name(member), now)
        return now

    async def rank(self, day: int, member: int) -> int | None:
        points = await self.points(day, member)
        if points is None:
            return None
        here, *higher = self.desk.caches[self.at(points) :]
        counts = [here.zset_count(board(day), points + 1, inf), *(one.zset_size(board(day)) for one in higher)]
        return 1 + sum(await asyncio.gather(*counts))

    async def top(self, day: int, many: int) -> Sequence[Entry]:
        found: list[Entry] = []
        for cache in reversed(self.desk.caches):
            if len(found) < many:
                found += entries_of(flat(await cache.zset_range(board(day), 0, many - len(found) - 1, reverse=True)))
        return found

    async def around(self, day: int, member: int, many: int) -> Sequence[Entry]:
        points = await self.points(day, member)
        if points is None:
            return []
        at = self.at(points)
        found = entries_of(await self.desk.caches[at].run(AROUND, [board(day)], [name(member), many]))
        mine = next((i for i, one in enumerate(found) if one.member == member), None)
        if mine is None:
            return []
        for cache in self.desk.caches[at + 1 :]:
            if mine < many:
                more = entries_of(flat(await cache.zset_range(board(day), 0, many - mine - 1)))
                found, mine = [*reversed(more), *found], mine + len(more)
        for cache in reversed(self.desk.caches[:at]):
            if (missing := mine + many + 1 - len(found)) > 0:
                found += entries_of(flat(await cache.zset_range(board(day), 0, missing - 1, reverse=True)))
        return found

    async def friends(self, day: int, members: Sequence[int]) -> Sequence[Entry]:
        found = await asyncio.gather(*(self.points(day, one) for one in members))
        return in_order([Entry(one, has) for one, has in zip(members, found, strict=True) if has is not None])

    async def fill(self, day: int, entries: Sequence[Entry]) -> None:
        for i, cache in enumerate(self.desk.caches):
            await fill(cache, day, [one for one in entries if self.at(one.points) == i])
        for i, cache in enumerate(self.desk.caches):
            mine = [one for one in entries if one.member % self.caches == i]
            for start in range(0, len(mine), FEW):
                some = mine[start : start + FEW]
                await cache.run(TOTALS, [self.total(day, one.member) for one in some], [one.points for one in some])
