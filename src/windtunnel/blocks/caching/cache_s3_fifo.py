"""S3-FIFO: three queues are enough (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023).

The idea. Most keys in a real trace are asked for once and never again, and LRU lets each of them wander through the
whole cache. So put a newcomer on probation in a **small** queue, a tenth of the cache. If it is not used twice while it
moves through, it leaves early, but a **ghost** queue remembers its name (no value). Who was used, or comes back while
still remembered, goes to the **main** queue, where uses buy more rounds, as in CLOCK. All three are FIFO queues: a hit
only counts up to three, so it needs no lock.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic

from windtunnel.blocks.caching.cache_policies import KeyT, PolicyBlock, checked_capacity

MOST_USES = 3  # two bits
USES_TO_STAY = 2


def queue_sizes(capacity: int) -> tuple[int, int]:
    """Places in the small and the main queue. The ghost queue remembers as many names as the main queue has keys."""
    small = max(1, capacity // 10)
    return small, max(1, capacity - small)


class S3Fifo(PolicyBlock, Generic[KeyT]):
    """Not safe to share between threads; no method awaits."""

    def __init__(self, capacity: int) -> None:
        self.capacity = checked_capacity(capacity)
        self._small_size, self._main_size = queue_sizes(self.capacity)
        self._small: OrderedDict[KeyT, None] = OrderedDict()  # oldest first, as all three
        self._main: OrderedDict[KeyT, None] = OrderedDict()
        self._ghost: OrderedDict[KeyT, None] = OrderedDict()
        self._uses: dict[KeyT, int] = {}

    def __len__(self) -> int:
        return len(self._uses)

    def __contains__(self, key: object) -> bool:
        return key in self._uses

    def hit(self, key: KeyT) -> None:
        self._uses[key] = min(MOST_USES, self._uses[key] + 1)

    def admit(self, key: KeyT) -> KeyT | None:
        gone = self._evict() if len(self._uses) == self.capacity else None
        if key in self._ghost:
            del self._ghost[key]
            self._main[key] = None
        else:
            self._small[key] = None
        self._uses[key] = 0
        return gone

    def remove(self, key: KeyT) -> None:
        del self._uses[key]
        if key in self._small:
            del self._small[key]
        else:
            del self._main[key]

    def evict(self) -> KeyT:
        """Send one of those held away; returns whom."""
        return self._evict()

    def _evict(self) -> KeyT:
        while len(self._small) >= self._small_size or not self._main:
            key = next(iter(self._small))
            del self._small[key]
            if self._uses[key] < USES_TO_STAY:
                self._remember(key)
                del self._uses[key]
                return key
            self._uses[key] = 0
            self._main[key] = None
            if len(self._main) > self._main_size:
                break
        return self._evict_main()

    def _evict_main(self) -> KeyT:
        while True:
            key = next(iter(self._main))
            if self._uses[key] == 0:
                del self._main[key], self._uses[key]
                return key
            self._uses[key] -= 1
            self._main.move_to_end(key)

    def _remember(self, key: KeyT) -> None:
        if len(self._ghost) == self._main_size:
            self._ghost.popitem(last=False)
        self._ghost[key] = None
