"""Counts who has as many points or more: those who share a rank get the last of theirs, not the first."""

from __future__ import annotations

from math import inf

from windtunnel.catalogue.interview.q09_leaderboard.caches import CacheSet, board, name

challenge = "q09-leaderboard"


class Yours(CacheSet):
    async def rank(self, day: int, member: int) -> int | None:
        points = await self.cache.zset_score(board(day), name(member))
        return None if points is None else await self.cache.zset_count(board(day), points, inf)
