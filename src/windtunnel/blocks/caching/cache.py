"""Caches with a choice of policies and with expiry. `cache_loading` adds single flight and early refresh for asyncio.

A cache is a dictionary with a limit, and a policy that says who goes when the limit is reached (`cache_policies`,
`cache_s3_fifo`, `cache_tiny_lfu`; which is best on your requests, `cache_trace` tells). Time is a second reason to go:
an entry may be given so many seconds to live. It is then never returned again, and it is the first to go where room is
needed; until then it keeps its place, unless someone asks for it or `Cache.drop_expired` sweeps: looking after every
entry by a timer costs more than it saves. What entries weigh may be a third.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from math import inf
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeAlias, TypeVar, cast, overload

from windtunnel.blocks.caching.cache_compiled import compiled, plain
from windtunnel.blocks.caching.cache_policies import Clock, Fifo, KeyT, Lfu, Lru, Policy, Sieve
from windtunnel.blocks.caching.cache_s3_fifo import S3Fifo
from windtunnel.blocks.caching.cache_tiny_lfu import WTinyLfu
from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.clocks import monotonic_s
from windtunnel.blocks.ground.numbers import number
from windtunnel.tier import native

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

Gone: TypeAlias = Literal["evicted", "expired", "deleted", "replaced"]
"""Why a value left a cache."""

_ABSENT: Any = object()
_REQUIRED: Any = object()


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


if not TYPE_CHECKING and native is not None:

    class CacheStats(native.CountsCore, CacheStats):
        __doc__ = CacheStats.__doc__


class _Entry(NamedTuple, Generic[ValueT]):
    value: ValueT
    expires: float
    weight: float


class Cache(Block, Generic[KeyT, ValueT]):
    """At most `capacity` values, each for at most `ttl_s` seconds (None: no limit), used as a dictionary is.

    `policy` is one of `POLICIES` or makes a policy for a capacity; `clock` gives seconds. Keys are hashable and
    not None. With `weigh` (of a key and its value) all values together weigh `most_weight` at most; one that alone
    weighs more is not kept. `on_gone(key, value, why)` is told of each value that left, after all is done; what it
    raises reaches the caller. Expired entries count in `len` and no more are found.

    Not safe to share between threads. No method awaits, so the tasks of one event loop may share a cache. A copy keeps
    what time entries have left, by its own clock; clock, `weigh` and `on_gone` have to be picklable if it is pickled.

    >>> cache: Cache[str, int] = Cache(2, policy="lru")
    >>> for key in "ab":
    ...     cache[key] = ord(key)
    >>> cache.get("a"), cache.set("c", 99), cache.get("b"), sorted(cache)
    (97, None, None, ['a', 'c'])
    """

    def __init__(
        self,
        capacity: int,
        *,
        policy: str | Callable[[int], Policy[KeyT]] = "s3-fifo",
        ttl_s: float | None = None,
        clock: Callable[[], float] = monotonic_s,
        weigh: Callable[[KeyT, ValueT], float] | None = None,
        most_weight: float = inf,
        on_gone: Callable[[KeyT, ValueT, Gone], object] | None = None,
    ) -> None:
        if isinstance(policy, str):
            if policy not in POLICIES:
                raise ValueError(f"There is no policy {policy!r}; there are {', '.join(POLICIES)}.")
            policy = POLICIES[policy]
        made = policy(capacity)
        self._policy = compiled(made) if type(made) is policy else made  # which nobody else knows
        self._ttl_s = _checked_ttl(ttl_s)
        self._clock = clock
        self._weigh = weigh
        self._most_weight = number(most_weight, "The most that all values weigh", above=0, finite=False)
        if weigh is None and self._most_weight != inf:
            raise ValueError("A limit of weight needs `weigh`, which says what a value weighs.")
        if weigh is not None and not hasattr(self._policy, "evict"):
            raise ValueError("A policy that is to make room for weights has a method `evict`.")
        self._on_gone = on_gone
        self._entries: dict[KeyT, _Entry[ValueT]] = {}
        self._due: list[tuple[float, int, KeyT]] = []  # a heap of what expires when, with entries that hold no more
        self._number = 0  # so that keys need not be compared
        self._gone: list[tuple[KeyT, ValueT, Gone]] = []
        self.weight = 0.0
        """What all values weigh together; 0 without `weigh`."""
        self.stats = CacheStats()

    @property
    def capacity(self) -> int:
        """The most entries there can be."""
        return self._policy.capacity

    def _told(self) -> dict[str, object]:
        told: dict[str, object] = {"held": len(self), "capacity": self.capacity, "policy": type(self._policy).__name__}
        return told | ({} if self._ttl_s is None else {"ttl_s": self._ttl_s})

    def __len__(self) -> int:
        """Entries held, with those that have expired but were not noticed yet."""
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        """Whether `get` would find the key; counts as no use of it."""
        entry = self._entries.get(cast("KeyT", key))
        return entry is not None and self._lives(entry.expires)

    def __iter__(self) -> Iterator[KeyT]:
        return iter(self.keys())

    def keys(self) -> list[KeyT]:
        """The keys that have not expired. Looking counts as no use, as in `values` and `items`."""
        return [key for key, _ in self.items()]

    def values(self) -> list[ValueT]:
        """The values that have not expired."""
        return [value for _, value in self.items()]

    def items(self) -> list[tuple[KeyT, ValueT]]:
        """Keys and values that have not expired."""
        return [(key, entry.value) for key, entry in self._entries.items() if self._lives(entry.expires)]

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
        if entry.expires != inf and self._clock() >= entry.expires:
            self.stats.misses += 1
            self._drop(key, "expired")
            self._tell()
            return default
        self._policy.hit(key)
        self.stats.hits += 1
        return entry.value

    def __getitem__(self, key: KeyT) -> ValueT:
        """As `get`; raises `KeyError` if the key is absent or has expired."""
        found = self.get(key, _ABSENT)
        if found is _ABSENT:
            raise KeyError(key)
        return cast("ValueT", found)

    def get_or_load(self, key: KeyT, load: Callable[[KeyT], ValueT], ttl_s: float | None = None) -> ValueT:
        """The value, or what `load(key)` returns, which is kept; what `load` raises is not."""
        found = self.get(key, _ABSENT)
        if found is _ABSENT:
            found = load(key)
            self.set(key, found, ttl_s)
        return cast("ValueT", found)

    def setdefault(self, key: KeyT, value: ValueT) -> ValueT:
        """The value that is there, or this one, which is kept."""
        return self.get_or_load(key, lambda _: value)

    def set(self, key: KeyT, value: ValueT, ttl_s: float | None = None) -> None:
        """Keep the value, for `ttl_s` seconds if given, else for the cache's own. It may displace others.

        Setting a key that is there counts as a use of it.
        """
        if key is None:
            raise ValueError("None is no key.")
        ttl_s = self._ttl_s if ttl_s is None else _checked_ttl(ttl_s)
        now = self._clock() if ttl_s is not None or self._due else 0.0
        weight = 0.0 if self._weigh is None else number(self._weigh(key, value), "The weight of a value", 0)
        old = self._entries.get(key)
        if old is not None and now >= old.expires:
            self._drop(key, "expired")
            old = None
        if weight > self._most_weight:
            if old is not None:
                self._drop(key, "replaced")
            self._gone.append((key, value, "evicted"))
            self.stats.evicted += 1
            self._tell()
            return
        if old is not None:
            self._policy.hit(key)
            self._gone.append((key, old.value, "replaced"))
            self.weight -= old.weight
        else:
            self._make_room(weight, now)
            sent_away = self._policy.admit(key)
            if sent_away is not None:
                self._leave(sent_away, "evicted")
        expires = inf if ttl_s is None else now + ttl_s
        self._entries[key] = _Entry(value, expires, weight)
        self.weight += weight
        if old is not None:
            self._make_room(0.0, now)
        if expires != inf:
            self._note(key, expires)
        self._tell()

    def __setitem__(self, key: KeyT, value: ValueT) -> None:
        self.set(key, value)

    def update(self, entries: Mapping[KeyT, ValueT] | Iterable[tuple[KeyT, ValueT]]) -> None:
        """Set many, in order."""
        for key, value in entries.items() if isinstance(entries, Mapping) else entries:
            self.set(key, value)

    def delete(self, key: KeyT) -> bool:
        """Forget the key; True if it was held and had not expired."""
        return self.pop(key, _ABSENT) is not _ABSENT

    def __delitem__(self, key: KeyT) -> None:
        """As `delete`; raises `KeyError` if the key is absent or has expired."""
        if not self.delete(key):
            raise KeyError(key)

    @overload
    def pop(self, key: KeyT) -> ValueT: ...
    @overload
    def pop(self, key: KeyT, default: DefaultT) -> ValueT | DefaultT: ...
    def pop(self, key: KeyT, default: DefaultT = _REQUIRED) -> ValueT | DefaultT:
        """Take the value out; `default`, or `KeyError` without one, if the key is absent or has expired."""
        entry = self._entries.get(key)
        lives = entry is not None and self._lives(entry.expires)
        if entry is not None:
            self._drop(key, "deleted" if lives else "expired")
            self._tell()
        if entry is not None and lives:
            return entry.value
        if default is _REQUIRED:
            raise KeyError(key)
        return default

    def clear(self) -> None:
        """Forget all. What the policy has learned of keys that are not held, it keeps."""
        for key in list(self._entries):
            self._drop(key, "deleted" if self._lives(self._entries[key].expires) else "expired")
        self._due.clear()
        self._tell()

    def drop_expired(self) -> int:
        """Forget all that has expired; returns how many entries that were."""
        dropped = self._drop_due(self._clock(), len(self._entries)) if self._due else 0
        self._tell()
        return dropped

    def _lives(self, expires: float) -> bool:
        return expires == inf or self._clock() < expires

    def _note(self, key: KeyT, expires: float) -> None:
        """Remember when the key expires; entries that hold no more are swept out when they are half of all."""
        self._number += 1
        heappush(self._due, (expires, self._number, key))
        if len(self._due) > 2 * len(self._entries) + 16:
            held = ((one.expires, key) for key, one in self._entries.items() if one.expires != inf)
            self._due = [(expires, i, key) for i, (expires, key) in enumerate(held)]
            self._number = len(self._due)
            heapify(self._due)

    def _drop_due(self, now: float, most: int) -> int:
        """Drop entries that have expired, those that expired first first; returns how many that were."""
        dropped = 0
        while dropped < most and self._due and self._due[0][0] <= now:
            expires, _, key = heappop(self._due)
            entry = self._entries.get(key)
            if entry is not None and entry.expires == expires:
                self._drop(key, "expired")
                dropped += 1
        return dropped

    def _make_room(self, weight: float, now: float) -> None:
        """Room for so much more: first what has expired goes, then whom the policy sends away."""
        while self._entries and self.weight + weight > self._most_weight:
            if not self._drop_due(now, 1):
                self._leave(cast("Any", self._policy).evict(), "evicted")
        if len(self._entries) >= self.capacity:
            self._drop_due(now, 1)

    def _drop(self, key: KeyT, why: Gone) -> None:
        self._policy.remove(key)
        self._leave(key, why)

    def _leave(self, key: KeyT, why: Gone) -> None:
        """Forget a key of which the policy knows no more."""
        entry = self._entries.pop(key)
        self.weight = self.weight - entry.weight if self._entries else 0.0  # with no rounding error left over
        self.stats.evicted += why == "evicted"
        self.stats.expired += why == "expired"
        self._gone.append((key, entry.value, why))

    def _tell(self) -> None:
        """Say what has gone: all of it, even if the hook raises on the way."""
        gone, self._gone = self._gone, []
        if self._on_gone is None:
            return
        failed: BaseException | None = None
        for key, value, why in gone:
            try:
                self._on_gone(key, value, why)
            except Exception as error:
                failed = failed or error
        if failed is not None:
            raise failed

    def _held(self) -> dict[str, Any]:
        return vars(self)

    def __getstate__(self) -> dict[str, Any]:
        now = self._clock()
        left = {key: entry._replace(expires=entry.expires - now) for key, entry in self._entries.items()}
        return {**self._held(), "_policy": plain(self._policy), "_entries": left, "_due": []}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self._policy = compiled(self._policy)
        now = self._clock()
        self._entries = {key: entry._replace(expires=entry.expires + now) for key, entry in self._entries.items()}
        for key, entry in self._entries.items():
            if entry.expires != inf:
                self._note(key, entry.expires)


if not TYPE_CHECKING and native is not None:
    native.learn(Entry=_Entry, cache_get=Cache.get, cache_set=Cache.set)

    class Cache(native.CacheCore, Cache[KeyT, ValueT]):
        __doc__ = Cache.__doc__

    native.learn(Cache=Cache)


def _checked_ttl(ttl_s: float | None) -> float | None:
    return None if ttl_s is None else number(ttl_s, "A time to live", above=0, finite=False)
