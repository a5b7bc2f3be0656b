"""Leaves a day where it is when it is over: the memory of the cache fills with boards that nobody asks about."""

from __future__ import annotations

from windtunnel.catalogue.interview.q09_leaderboard.caches import CacheSet

challenge = "q09-leaderboard"


class Yours(CacheSet):
    async def forget(self, day: int) -> None:
        """Nobody asks about it."""
