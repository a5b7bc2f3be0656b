"""How often would a cache miss? A trace of requests through every policy, at many sizes, and the best there can be.

A trace is a list of keys as they were asked for. What counts is the **miss ratio**, and how it falls with the size of
the cache: the miss-ratio curve. The bound below all curves is **Belady's** (L. A. Belady, "A study of replacement
algorithms for a virtual-storage computer", 1966): send away the key whose next use is farthest in the future. It needs
to know the future, so it is a measure and not a policy.

LRU has the *stack property*: a larger cache holds all that a smaller one holds. So one pass over the trace gives its
misses at every size (Mattson et al., "Evaluation techniques for storage hierarchies", 1970): `lru_curve`. FIFO lacks
it, and can even miss more with more places (Belady's anomaly).

The compiled policies give the same counts as the classes of `cache_policies`, request by request.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from windtunnel.blocks.caching.cache import POLICIES
from windtunnel.blocks.caching.cache_policies import access, checked_capacity
from windtunnel.blocks.caching.cache_tiny_lfu import key_hash
from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import plain_array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Trace: TypeAlias = "Sequence[Hashable] | NDArray[Any]"

NAMES = (*POLICIES, "belady")


class CacheTrace(Block):
    """A trace, made ready once and then simulated at will: keys numbered, and hashed for the policies that count them.

    Takes integers as a NumPy or Arrow array, or a list of any keys. Does not change; safe to share between threads.
    """

    def __init__(self, trace: Trace) -> None:
        import numpy as np

        from windtunnel.blocks.ground.hashing import stable_hashes
        from windtunnel.blocks.ground.kernels.int_map import empty_table, number_keys

        numbers = _integers(trace)
        if numbers is None:
            if not hasattr(trace, "__len__"):
                raise ValueError(f"A trace is a list or an array of keys, not {type(trace).__name__}.")
            ids: dict[Hashable, int] = {}
            self._trace = np.fromiter((ids.setdefault(key, len(ids)) for key in trace), np.int64, len(trace))
            self._keys = len(ids)
            self._hashes = np.fromiter(map(key_hash, ids), np.uint64, len(ids))
        else:
            self._trace = np.empty(numbers.size, np.int64)
            self._keys = int(number_keys(empty_table(numbers.size), numbers, self._trace))
            distinct = np.empty(self._keys, np.int64)
            distinct[self._trace[::-1]] = numbers[::-1]
            self._hashes = stable_hashes(distinct)

    def _told(self) -> dict[str, object]:
        return {"requests": len(self), "keys": self.keys}

    def __len__(self) -> int:
        """How many requests there are."""
        return int(self._trace.size)

    @property
    def keys(self) -> int:
        """How many different keys are asked for: the misses that no cache can spare."""
        return self._keys

    def misses(self, policy: str, capacity: int) -> int:
        """How many requests miss a cache that starts empty. `policy` is one of `NAMES`."""
        from windtunnel.blocks.caching.kernels import cache_trace

        _check_policy(policy)
        return cache_trace.misses(policy, self._trace, self._keys, checked_capacity(capacity), self._hashes)

    def miss_ratios(self, capacities: Iterable[int], policies: Iterable[str] = NAMES) -> dict[str, list[float]]:
        """For each policy its miss ratios at these capacities; empty traces have none."""
        if not len(self):
            raise ValueError("A trace without requests has no miss ratio.")
        sizes = list(capacities)
        return {name: [self.misses(name, size) / len(self) for size in sizes] for name in policies}

    def lru_curve(self) -> NDArray[np.int64]:
        """Misses of LRU at every capacity from 0 to the number of keys, from one pass."""
        import numpy as np

        from windtunnel.blocks.caching.kernels.cache_trace import stack_distances

        curve: NDArray[np.int64] = len(self) - np.cumsum(stack_distances(self._trace, self._keys))
        return curve


def _check_policy(policy: str) -> None:
    if policy not in NAMES:
        raise ValueError(f"There is no policy {policy!r}; there are {', '.join(NAMES)}.")


def plain_misses(policy: str, trace: Iterable[Any], capacity: int) -> int:
    """The same count from the classes in plain Python: the text to read, and what the compiled ones are tested with."""
    _check_policy(policy)
    if policy == "belady":
        return plain_belady(list(trace), capacity)
    cache = POLICIES[policy](capacity)
    return sum(not access(cache, key) for key in trace)


def plain_belady(trace: Sequence[Hashable], capacity: int) -> int:
    """Misses of the best there can be, in plain Python: a heap with the latest next use on top."""
    checked_capacity(capacity)
    never = len(trace)
    after, seen = [never] * len(trace), dict[Hashable, int]()
    for i in reversed(range(len(trace))):
        after[i] = seen.get(trace[i], never)
        seen[trace[i]] = i
    held: dict[Hashable, int] = {}  # key to its next use
    latest: list[tuple[int, int, Hashable]] = []  # with entries that no longer hold
    misses = 0
    for i, key in enumerate(trace):
        if key not in held:
            misses += 1
            while len(held) == capacity:
                use, _, gone = heapq.heappop(latest)
                if held.get(gone) == -use:
                    del held[gone]
        held[key] = after[i]
        heapq.heappush(latest, (-after[i], i, key))
    return misses


def _integers(trace: Any) -> NDArray[np.int64] | None:
    """The trace as an array of int64, or None if it is no such array."""
    import numpy as np

    if not isinstance(trace, np.ndarray) and not hasattr(trace, "null_count"):
        return None
    trace = plain_array(trace, "The keys of a trace")
    if trace.dtype.kind not in "iu":
        return None
    if trace.ndim != 1:
        raise ValueError(f"A trace has one dimension, not {trace.ndim}.")
    if trace.dtype == np.uint64:
        trace = trace.view(np.int64)
    return np.require(trace, np.int64, ["C", "W"])
