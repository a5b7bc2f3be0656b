"""A rank is the place of the first among those with as many points, which a script asks for in one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from windtunnel.catalogue.interview.q09_leaderboard.caches import CacheSet, board, name
from windtunnel.engines import Script

challenge = "q09-leaderboard"


def first(store: Any, keys: Sequence[str], args: Sequence[str]) -> Any:
    points = store.zset_score(keys[0], args[0])
    if points is None:
        return None
    return store.zset_rank(keys[0], store.zset_range_by_score(keys[0], points, points)[-1][0], reverse=True)


FIRST = Script(
    """
local points = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not points then return false end
local equals = redis.call('ZREVRANGEBYSCORE', KEYS[1], points, points, 'LIMIT', 0, 1)
return redis.call('ZREVRANK', KEYS[1], equals[1])
""",
    first,
)


class Yours(CacheSet):
    async def rank(self, day: int, member: int) -> int | None:
        found: Any = await self.cache.run(FIRST, [board(day)], [name(member)])
        return None if found is None else 1 + int(found)
