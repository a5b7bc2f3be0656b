"""Keeps the whole board as one text that is read, changed and put back where nobody was faster: each time all of it."""

from __future__ import annotations

import json
from collections.abc import Sequence

from windtunnel.catalogue.interview.q09_leaderboard.caches import CacheSet, board
from windtunnel.catalogue.interview.q09_leaderboard.tables import in_order
from windtunnel.catalogue.interview.q09_leaderboard.world import Entry

challenge = "q09-leaderboard"


class Yours(CacheSet):
    async def all(self, day: int) -> tuple[str | None, dict[int, int]]:
        text = await self.cache.get(board(day))
        return text, {int(one): points for one, points in json.loads(text or "{}").items()}

    async def add(self, day: int, member: int, points: int) -> int:
        while True:
            text, has = await self.all(day)
            has[member] = has.get(member, 0) + points
            if await self.cache.compare_and_set(board(day), text, json.dumps(has)):
                return has[member]

    async def rank(self, day: int, member: int) -> int | None:
        _, has = await self.all(day)
        return None if member not in has else 1 + sum(points > has[member] for points in has.values())

    async def top(self, day: int, many: int) -> Sequence[Entry]:
        _, has = await self.all(day)
        return in_order([Entry(*one) for one in has.items()])[:many]

    async def around(self, day: int, member: int, many: int) -> Sequence[Entry]:
        _, has = await self.all(day)
        found = in_order([Entry(*one) for one in has.items()])
        at = next((i for i, one in enumerate(found) if one.member == member), None)
        return [] if at is None else found[max(0, at - many) : at + many + 1]

    async def friends(self, day: int, members: Sequence[int]) -> Sequence[Entry]:
        _, has = await self.all(day)
        return in_order([Entry(one, has[one]) for one in members if one in has])

    async def fill(self, day: int, entries: Sequence[Entry]) -> None:
        await self.cache.set(board(day), json.dumps(dict(entries)))
