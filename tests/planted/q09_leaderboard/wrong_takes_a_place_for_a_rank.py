"""Tells the place in the sorted set: of two with as many points one is told a rank more."""

from __future__ import annotations

from windtunnel.catalogue.interview.q09_leaderboard.caches import CacheSet, board, name

challenge = "q09-leaderboard"


class Yours(CacheSet):
    async def rank(self, day: int, member: int) -> int | None:
        found = await self.cache.zset_rank(board(day), name(member), reverse=True)
        return None if found is None else 1 + found
