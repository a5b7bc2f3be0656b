"""A sorted set of a cache; a rank, and a page, are a script each."""

from __future__ import annotations

from windtunnel.catalogue.interview.q09_leaderboard.caches import CacheSet

challenge = "q09-leaderboard"


class Yours(CacheSet):
    pass
