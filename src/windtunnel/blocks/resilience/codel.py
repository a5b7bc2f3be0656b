"""CoDel: a queue that may be long for a moment, but not for long.

A full queue that never empties adds its whole length to every request's latency and carries nothing more. CoDel tells
such a standing queue from a burst by the *least* time that anyone waited in the last interval, and drops from the head,
ever faster, until that is below the target again (Nichols and Jacobson, *Controlling Queue Delay*, ACM Queue 2012).

`CoDel` is the control law alone; `CoDelQueue` an asyncio queue that obeys it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from math import sqrt
from typing import Generic, TypeVar

from windtunnel.blocks.ground.block import Block, Live
from windtunnel.blocks.resilience.deadline import now_s

T = TypeVar("T")


class CoDel(Block):
    """Decides at each dequeue whether the item, which has waited `sojourn_s`, is to be dropped.

    `target_s`: a wait that is fine. `interval_s`: how long the least wait may be above it: about the time that a
    client needs to react. Both in the paper for packets: 5 and 100 ms. No clock of its own; times may not decrease,
    and any unit will do, as long as all are of one. Drop for drop the pseudocode of RFC 8289, section 5. For one
    thread.
    """

    def __init__(self, target_s: float = 0.005, interval_s: float = 0.1) -> None:
        if not 0 < target_s < interval_s:
            raise ValueError("There must be 0 < target_s < interval_s.")
        self._target_s = target_s
        self._interval_s = interval_s
        self._above_until: float | None = None
        """The wait has been above the target, and counts as standing from this time on."""
        self.dropping = False
        self._drop_at = 0.0
        self._dropped = False
        """One was dropped, and if the next one's wait stands as well, the time of the drop after it is due."""
        self._count = 0
        self._count_before = 0

    def _told(self) -> dict[str, object]:
        return {"target_s": self._target_s, "interval_s": self._interval_s, "dropping": self.dropping}

    def drop(self, now: float, sojourn_s: float, last: bool) -> bool:
        """Whether to drop this item and look at the next. `last`: nothing else is in the queue, so it is kept."""
        standing = self._standing(now, sojourn_s, last)
        if self.dropping:
            just_dropped, self._dropped = self._dropped, False
            if not standing:
                self.dropping = False
                return False
            if just_dropped:
                self._drop_at += self._interval_s / sqrt(self._count)
            if now >= self._drop_at:
                self._count += 1
                self._dropped = True
                return True
            return False
        if not standing:
            return False
        self.dropping = True
        # If the last spell of dropping ended a short while ago, go on at about the rate that had controlled the queue.
        since = self._count - self._count_before
        recently = now - self._drop_at < 16 * self._interval_s
        self._count = since if since > 1 and recently else 1
        self._count_before = self._count
        self._drop_at = now + self._interval_s / sqrt(self._count)
        return True

    def empty(self) -> None:
        """The queue ran empty: nothing stands in it."""
        self._above_until = None
        self.dropping = self._dropped = False

    def _standing(self, now: float, sojourn_s: float, last: bool) -> bool:
        if sojourn_s < self._target_s or last:
            self._above_until = None
            return False
        if self._above_until is None:
            self._above_until = now + self._interval_s
            return False
        return now >= self._above_until


class CoDelQueue(Live, Generic[T]):
    """An unbounded FIFO queue whose `get` passes over what CoDel drops; `on_drop` is told of each such item.

    For tasks of one loop. An item that was taken for a getter who is cancelled in that moment goes back to the head.
    """

    def __init__(
        self, target_s: float = 0.005, interval_s: float = 0.1, on_drop: Callable[[T], None] | None = None
    ) -> None:
        self._codel = CoDel(target_s, interval_s)
        self._on_drop = on_drop
        self._items: deque[tuple[float, T]] = deque()
        self._getters: deque[asyncio.Future[None]] = deque()
        self.dropped = 0

    def _told(self) -> dict[str, object]:
        return {"codel": self._codel, "items": len(self), "dropped": self.dropped}

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Add an item at the tail."""
        self._items.append((now_s(), item))
        self._wake()

    async def get(self) -> T:
        """The next item that is not dropped; waits for one."""
        while True:
            while self._items:
                now = now_s()
                since, item = self._items.popleft()
                if not self._codel.drop(now, now - since, last=not self._items):
                    return item
                self.dropped += 1
                if self._on_drop is not None:
                    self._on_drop(item)
            self._codel.empty()
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._getters.append(turn)
            try:
                await turn
            except BaseException:
                if turn.done() and not turn.cancelled() and self._items:
                    self._wake()  # woken and cancelled in one instant: wake another
                raise

    def _wake(self) -> None:
        while self._getters:
            turn = self._getters.popleft()
            if not turn.done():
                turn.set_result(None)
                return
