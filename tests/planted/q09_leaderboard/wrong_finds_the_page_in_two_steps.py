"""Asks for his place, then for the page around that place: he may have left it, and is not on his own page."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.interview.q09_leaderboard.caches import CacheSet, board, name
from windtunnel.catalogue.interview.q09_leaderboard.world import Entry

challenge = "q09-leaderboard"


class Yours(CacheSet):
    async def around(self, day: int, member: int, many: int) -> Sequence[Entry]:
        at = await self.cache.zset_rank(board(day), name(member), reverse=True)
        if at is None:
            return []
        found = await self.cache.zset_range(board(day), max(0, at - many), at + many, reverse=True)
        return [Entry(int(one), int(points)) for one, points in found]
