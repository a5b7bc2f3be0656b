"""Which key has to go: the policies that fit on a page. `cache_s3_fifo` and `cache_tiny_lfu` have the other two.

A policy knows keys only, no values and no time; `cache.Cache` adds those. It is told three things: a key that is in
the cache was used (`hit`), a key that is not shall go in (`admit`, which names whom it sends away), a key left for
a reason of its own (`remove`: deleted, expired). Ours can also send one away when asked (`evict`), which caches whose
values have weights need.

- **FIFO** sends away the oldest. Nothing happens on a hit, which is why it scales.
- **LRU** sends away the least recently used. One scan of keys that never return flushes it.
- **CLOCK** is FIFO with a second chance: a key that was used since it came in (one bit) goes round once more
  (Corbató, "A paging experiment with the Multics system", 1968).
- **LFU** sends away the least often used, the least recently used among equals; it remembers old fame for ever
  (constant time: Shah, Mitra, Matani, 2010).
- **SIEVE** is CLOCK without moving anything: keys stay in their place and a hand sweeps from old to new over the bits,
  so that what it spares ends up sorted out from what just came (Zhang et al., "SIEVE is simpler than LRU", NSDI 2024).
  It is not proof against a loop a little longer than the cache: it then misses always, as LRU does.

None of these is safe to share between threads; none awaits, so the tasks of one loop may share one.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Generic, Protocol, TypeVar

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import whole

KeyT = TypeVar("KeyT")


class Policy(Protocol[KeyT]):
    """Decides who stays among at most `capacity` keys."""

    capacity: int

    def __len__(self) -> int: ...

    def __contains__(self, key: object) -> bool: ...

    def hit(self, key: KeyT) -> None:
        """A key that is in was used."""

    def admit(self, key: KeyT) -> KeyT | None:
        """Let in a key that is not in; returns whom that sends away, if anyone. It is never the newcomer."""

    def remove(self, key: KeyT) -> None:
        """Take out a key that is in."""


def access(policy: Policy[KeyT], key: KeyT) -> bool:
    """Use a key as a request would, letting it in if it is not; True on a hit. What a simulation of a trace does."""
    if key in policy:
        policy.hit(key)
        return True
    policy.admit(key)
    return False


def checked_capacity(capacity: int) -> int:
    """The capacity, if it is one."""
    return whole(capacity, "The capacity of a cache", 1)


class PolicyBlock(Block):
    """What our policies share beside `Policy`. None is safe to share between threads; none awaits."""

    capacity: int

    def __len__(self) -> int:
        raise NotImplementedError

    def _told(self) -> dict[str, object]:
        return {"held": len(self), "capacity": self.capacity}


class Fifo(PolicyBlock, Generic[KeyT]):
    """First in, first out."""

    def __init__(self, capacity: int) -> None:
        self.capacity = checked_capacity(capacity)
        self._queue: OrderedDict[KeyT, bool] = OrderedDict()  # oldest first

    def __len__(self) -> int:
        return len(self._queue)

    def __contains__(self, key: object) -> bool:
        return key in self._queue

    def hit(self, key: KeyT) -> None:
        """Nothing: that is the point of FIFO."""

    def admit(self, key: KeyT) -> KeyT | None:
        gone = self._evict() if len(self._queue) == self.capacity else None
        self._queue[key] = False
        return gone

    def remove(self, key: KeyT) -> None:
        del self._queue[key]

    def evict(self) -> KeyT:
        """Send one of those held away; returns whom."""
        return self._evict()

    def _evict(self) -> KeyT:
        return self._queue.popitem(last=False)[0]


class Lru(Fifo[KeyT]):
    """Least recently used: the queue is in the order of last use."""

    def hit(self, key: KeyT) -> None:
        self._queue.move_to_end(key)


class Clock(Fifo[KeyT]):
    """FIFO with a second chance: the flag of a key says whether it was used since it was let in or spared."""

    def hit(self, key: KeyT) -> None:
        self._queue[key] = True

    def _evict(self) -> KeyT:
        while True:
            key, used = self._queue.popitem(last=False)
            if not used:
                return key
            self._queue[key] = False


class Lfu(PolicyBlock, Generic[KeyT]):
    """Least frequently used, the least recently used among equals: one queue for each number of uses."""

    def __init__(self, capacity: int) -> None:
        self.capacity = checked_capacity(capacity)
        self._uses: dict[KeyT, int] = {}
        self._queues: dict[int, OrderedDict[KeyT, KeyT]] = {}  # keys as they were let in: 1 may be asked for as True
        self._fewest = 1

    def __len__(self) -> int:
        return len(self._uses)

    def __contains__(self, key: object) -> bool:
        return key in self._uses

    def hit(self, key: KeyT) -> None:
        uses = self._uses[key]
        held = self._leave(key)
        if uses == self._fewest and uses not in self._queues:
            self._fewest = uses + 1
        self._enter(held, uses + 1)

    def admit(self, key: KeyT) -> KeyT | None:
        gone: KeyT | None = None
        if len(self._uses) == self.capacity:
            gone = self.evict()
        self._fewest = 1
        self._enter(key, 1)
        return gone

    def remove(self, key: KeyT) -> None:
        self._leave(key)
        del self._uses[key]

    def evict(self) -> KeyT:
        """Send one of those held away; returns whom."""
        while self._fewest not in self._queues:  # keys that were removed may have left a gap
            self._fewest += 1
        gone = next(iter(self._queues[self._fewest]))
        self.remove(gone)
        return gone

    def _enter(self, key: KeyT, uses: int) -> None:
        self._uses[key] = uses
        self._queues.setdefault(uses, OrderedDict())[key] = key

    def _leave(self, key: KeyT) -> KeyT:
        uses = self._uses[key]
        held = self._queues[uses].pop(key)
        if not self._queues[uses]:
            del self._queues[uses]
        return held


class _Node(Generic[KeyT]):
    __slots__ = ("key", "newer", "older", "used")

    def __init__(self, key: KeyT) -> None:
        self.key = key
        self.used = False
        self.newer: _Node[KeyT] | None = None
        self.older: _Node[KeyT] | None = None


class Sieve(PolicyBlock, Generic[KeyT]):
    """A queue in order of arrival, a bit for each key, and a hand that stays where it last took someone."""

    def __init__(self, capacity: int) -> None:
        self.capacity = checked_capacity(capacity)
        self._nodes: dict[KeyT, _Node[KeyT]] = {}
        self._newest: _Node[KeyT] | None = None
        self._oldest: _Node[KeyT] | None = None
        self._hand: _Node[KeyT] | None = None

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, key: object) -> bool:
        return key in self._nodes

    def hit(self, key: KeyT) -> None:
        self._nodes[key].used = True

    def admit(self, key: KeyT) -> KeyT | None:
        gone = self._evict() if len(self._nodes) == self.capacity else None
        node = self._nodes[key] = _Node(key)
        node.older = self._newest
        if self._newest is None:
            self._oldest = node
        else:
            self._newest.newer = node
        self._newest = node
        return gone

    def remove(self, key: KeyT) -> None:
        node = self._nodes.pop(key)
        if node is self._hand:
            self._hand = node.newer
        if node.newer is None:
            self._newest = node.older
        else:
            node.newer.older = node.older
        if node.older is None:
            self._oldest = node.newer
        else:
            node.older.newer = node.newer

    def __getstate__(self) -> dict[str, Any]:
        # As lists: the links would take a step of recursion a key.
        keys, node = list[tuple[KeyT, bool]](), self._oldest
        hand = None
        while node is not None:
            hand = len(keys) if node is self._hand else hand
            keys.append((node.key, node.used))
            node = node.newer
        return {"capacity": self.capacity, "keys": keys, "hand": hand}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["capacity"])  # type: ignore[misc]  # a policy that was just made
        for key, used in state["keys"]:
            self.admit(key)
            self._nodes[key].used = used
        if state["hand"] is not None:
            self._hand = self._nodes[state["keys"][state["hand"]][0]]

    def evict(self) -> KeyT:
        """Send one of those held away; returns whom."""
        return self._evict()

    def _evict(self) -> KeyT:
        node = self._hand or self._oldest
        while node is not None and node.used:
            node.used = False
            node = node.newer or self._oldest
        assert node is not None  # a full cache holds a key
        self._hand = node
        self.remove(node.key)  # which moves the hand on
        return node.key
