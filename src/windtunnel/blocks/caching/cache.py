"""Caches with a choice of policies and with expiry. `cache_loading` adds single flight and early refresh for asyncio.

A cache is a dictionary with a limit, and a policy that says who goes when the limit is reached (`cache_policies`,
`cache_s3_fifo`, `cache_tiny_lfu`; which is best on your requests, `cache_trace` tells). Time is a second reason to go:
an entry may be given so many seconds to live. It is then never returned again, but it keeps its place until someone
asks for it, the policy drops it or `Cache.drop_expired` sweeps: looking after every entry by a timer costs more than it
saves.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, Generic, TypeVar, overload

from windtunnel.blocks.caching.cache_policies import Clock, Fifo, KeyT, Lfu, Lru, Policy, Sieve
from windtunnel.blocks.caching.cache_s3_fifo import S3Fifo
from windtunnel.blocks.caching.cache_tiny_lfu import WTinyLfu

ValueT = TypeVar("ValueT")
DefaultT = TypeVar("DefaultT")


POLICIES: dict[str, Callable[[int], Policy[Any]]] = {
    "fifo": Fifo,
    "lru": Lru,
    "clock": Clock,
    "lfu": Lfu,
    "sieve": Sieve,
    "s3-fifo": S3Fifo,
    "w-tinylfu": WTinyLfu,
}
"""By the names that `Cache` and `cache_trace` take."""


@dataclass
class CacheStats:
    """Counted since the cache was made. A miss because of expiry is in `misses` and in `expired`."""

    hits: int = 0
    misses: int = 0
    evicted: int = 0
    expired: int = 0

    @property
    def miss_ratio(self) -> float:
        """Misses among all requests; 0 before the first."""
        return self.misses / max(1, self.hits + self.misses)


class Cache(Generic[KeyT, ValueT]):
    """At most `capacity` values, each for at most `ttl_s` seconds (None: no limit).

    `policy` is one of `POLICIES` or makes a policy for a capacity; `clock` gives seconds. Keys are hashable and
    not None. Not safe to share between threads. No method awaits, so the tasks of one event loop may share a cache.

    >>> cache: Cache[str, int] = Cache(2, policy="lru")
    >>> for key in "ab":
    ...     cache.set(key, ord(key))
    >>> cache.get("a"), cache.set("c", 99), cache.get("b"), sorted(cache.keys())
    (97, None, None, ['a', 'c'])
    """

    def __init__(
        self,
        capacity: int,
        *,
        policy: str | Callable[[int], Policy[KeyT]] = "s3-fifo",
        ttl_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if isinstance(policy, str):
            if policy not in POLICIES:
                raise ValueError(f"There is no policy {policy!r}; there are {', '.join(POLICIES)}.")
            policy = POLICIES[policy]
        self._policy = policy(capacity)
        self._ttl_s = _checked_ttl(ttl_s)
        self._clock = clock
        self._entries: dict[KeyT, tuple[ValueT, float]] = {}  # value, and when it expires
        self.stats = CacheStats()

    @property
    def capacity(self) -> int:
        """The most entries there can be."""
        return self._policy.capacity

    def __len__(self) -> int:
        """Entries held, with those that have expired but were not noticed yet."""
        return len(self._entries)

    def __contains__(self, key: KeyT) -> bool:
        """Whether `get` would find the key; counts as no use of it."""
        entry = self._entries.get(key)
        return entry is not None and self._lives(entry[1])

    def keys(self) -> list[KeyT]:
        """The keys that have not expired."""
        return [key for key, (_, expires) in self._entries.items() if self._lives(expires)]

    @overload
    def get(self, key: KeyT) -> ValueT | None: ...
    @overload
    def get(self, key: KeyT, default: DefaultT) -> ValueT | DefaultT: ...
    def get(self, key: KeyT, default: DefaultT | None = None) -> ValueT | DefaultT | None:
        """The value, or `default` if the key is absent or has expired."""
        entry = self._entries.get(key)
        if entry is None:
            self.stats.misses += 1
            return default
        value, expires = entry
        if expires != inf and self._clock() >= expires:
            self._drop(key)
            self.stats.expired += 1
            self.stats.misses += 1
            return default
        self._policy.hit(key)
        self.stats.hits += 1
        return value

    def set(self, key: KeyT, value: ValueT, ttl_s: float | None = None) -> None:
        """Keep the value, for `ttl_s` seconds if given, else for the cache's own. It may displace another.

        Setting a key that is there counts as a use of it.
        """
        ttl_s = self._ttl_s if ttl_s is None else _checked_ttl(ttl_s)
        expires = inf if ttl_s is None else self._clock() + ttl_s
        if key in self._entries:
            self._policy.hit(key)
        else:
            if key is None:
                raise ValueError("None is no key.")
            gone = self._policy.admit(key)
            if gone is not None:
                self.stats.evicted += 1
                del self._entries[gone]
        self._entries[key] = (value, expires)

    def delete(self, key: KeyT) -> bool:
        """Forget the key; True if it was held and had not expired."""
        entry = self._entries.get(key)
        if entry is None:
            return False
        self._drop(key)
        return self._lives(entry[1])

    def drop_expired(self) -> int:
        """Forget all that has expired; returns how many entries that were."""
        gone = [key for key, (_, expires) in self._entries.items() if not self._lives(expires)]
        for key in gone:
            self._drop(key)
        self.stats.expired += len(gone)
        return len(gone)

    def _lives(self, expires: float) -> bool:
        return expires == inf or self._clock() < expires

    def _drop(self, key: KeyT) -> None:
        del self._entries[key]
        self._policy.remove(key)


def _checked_ttl(ttl_s: float | None) -> float | None:
    if ttl_s is not None and not ttl_s > 0:
        raise ValueError(f"A time to live is more than 0 seconds, not {ttl_s}.")
    return ttl_s
