"""Tells the new points, and adds them behind it: a death takes what was told, and who asks at once finds the old."""

from __future__ import annotations

import asyncio

from windtunnel.catalogue.interview.q09_leaderboard.caches import CacheSet, board, name

challenge = "q09-leaderboard"


class Yours(CacheSet):
    async def add(self, day: int, member: int, points: int) -> int:
        had = await self.cache.zset_score(board(day), name(member))
        self.later = asyncio.ensure_future(self.cache.zset_increment(board(day), name(member), points))
        return int(had or 0) + points
