"""A rate limiter whose state is in a cache, for all nodes that ask it: one script, one step.

The laws are those of `windtunnel.blocks.resilience`: on a real cache their scripts run as they stand in
`RedisRateLimiter`, in the tunnel the limiter itself, on what the modelled server keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from windtunnel.blocks.resilience import Decision, Gcra, RateLimiter, TokenBucket
from windtunnel.blocks.resilience.guard_redis import PRELUDE
from windtunnel.blocks.resilience.rate_limit_redis import decision_of, script_of
from windtunnel.engines import CachePort, Script, Store


class SharedLimiter:
    """Ask a cache whether a key may take so much now. The time is the cache's, for all who ask.

    Args:
        algorithm: its settings. In the tunnel it decides, by what the server has kept; use it for nothing else.
    """

    def __init__(self, cache: CachePort, algorithm: RateLimiter[Any]) -> None:
        self._cache, self._algorithm = cache, algorithm
        lua, self._told = script_of(algorithm)
        self._script = Script(PRELUDE + lua, self._decided)

    async def take(self, key: str, cost: float = 1) -> Decision:
        """As `RateLimiter.take`. Raises what the cache raises: nobody knows then whether it was taken.

        Raises ValueError before anybody is asked for a cost that can never pass: to a script one below 0 is a gift.
        """
        self._algorithm.check_cost(cost)
        return decision_of(await self._cache.run(self._script, [key], [repr(float(cost)), "", *self._told]))

    def _decided(self, store: Store, keys: Sequence[str], args: Sequence[str]) -> list[int | str]:
        """What the script does, for the model."""
        key, law = keys[0], self._algorithm
        law.keep(key, store.get(key))
        allowed, remaining, wait_s = law.take(key, float(args[0]), at_s=store.time_s())
        after = law.kept(key)
        if after is not None:
            store.set(key, after, ttl_s=lasts_s(law))
        return [int(allowed), repr(remaining), repr(wait_s)]


def lasts_s(law: Any) -> float:
    """After how many seconds without a request a key is as good as new, at the most."""
    return float(law.burst / law.rate_per_s if isinstance(law, TokenBucket | Gcra) else 2 * law.window_s)
