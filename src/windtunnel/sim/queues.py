"""Semaphores, locks and bounded queues for light processes and for asyncio tasks on simulated hosts.

They hand over directly and in order: who releases gives to the first that waits, so nobody overtakes and nobody
starves. Each knows who holds it, so that a deadlock says who waits for whom.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from windtunnel.sim.kernel import Signal
from windtunnel.sim.servers.base import Rejected

if TYPE_CHECKING:
    from windtunnel.sim.kernel import Simulator

T = TypeVar("T")


class _Turn(Signal[Any]):
    """One wait in a line: happens when its turn has come."""

    __slots__ = ("_what", "who")

    def __init__(self, sim: Simulator, what: Callable[[], str]) -> None:
        super().__init__(sim)
        self.who: Any = sim._current
        self._what = what

    def describe(self) -> str:
        return self._what()

    def wanted(self) -> bool:
        """Whether whoever waits is still alive to take it."""
        return self.who is None or not _gone(self.who)


async def _take(turn: _Turn, line: deque[_Turn], timeout_s: float | None) -> None:
    """Wait for a turn; leave the line where the wait ends in any other way."""
    try:
        if timeout_s is None:
            await turn
        elif not await turn.within(timeout_s):
            raise TimeoutError(f"Waited {timeout_s:g} s for {turn.describe()}.")
    except BaseException:
        if turn in line:
            line.remove(turn)
        raise


def _next_wanted(line: deque[_Turn]) -> _Turn | None:
    while line:
        turn = line.popleft()
        if turn.wanted():
            return turn
    return None


class Semaphore:
    """A number of permits. `acquire` takes one, `release` gives one back; also as `async with`.

    A holder that is killed keeps its permit, as a thread that dies in a critical section does.
    """

    _kind = "semaphore"

    def __init__(self, sim: Simulator, permits: int, name: str = "") -> None:
        if permits < 1:
            raise ValueError(f"A semaphore with {permits} permits blocks everyone for ever; give at least 1.")
        self.sim = sim
        self.name = name or self._kind
        self.permits = permits
        self._free = permits
        self._line: deque[_Turn] = deque()
        self._holders: dict[Any, int] = {}

    @property
    def free(self) -> int:
        """Permits that nobody holds."""
        return self._free

    @property
    def waiting(self) -> int:
        """Those in line."""
        return sum(turn.wanted() for turn in self._line)

    def describe(self) -> str:
        """The name, and who holds it now."""
        names = ", ".join(_name(holder) for holder in self._holders)
        return f"{self.name}, held by {names}" if names else self.name

    async def acquire(self, timeout_s: float | None = None) -> None:
        """Take a permit, waiting in line for it; TimeoutError where that lasts longer than `timeout_s`."""
        if self._free and not self._line:
            self._free -= 1
            self._hold(self.sim._current)
            return
        turn = _Turn(self.sim, self.describe)
        self._line.append(turn)
        try:
            await _take(turn, self._line, timeout_s)
        except BaseException:
            if turn.done():  # it was handed over and cancelled in the same moment
                self._give(turn.who)
            raise

    def try_acquire(self) -> bool:
        """Take a permit if one is free at once."""
        if not self._free or self._line:
            return False
        self._free -= 1
        self._hold(self.sim._current)
        return True

    def release(self) -> None:
        """Give a permit back; the first in line has it from this moment on."""
        if self._free == self.permits:
            raise RuntimeError(f"{self.name} was released without having been acquired.")
        self._give(self.sim._current)

    def _give(self, holder: Any) -> None:
        self._let_go(holder)
        turn = _next_wanted(self._line)
        if turn is None:
            self._free += 1
        else:
            self._hold(turn.who)
            turn.set()

    def _hold(self, holder: Any) -> None:
        self._holders[holder] = self._holders.get(holder, 0) + 1

    def _let_go(self, holder: Any) -> None:
        if holder not in self._holders:  # one process may release for another, as with any semaphore
            holder = next(iter(self._holders))
        self._holders[holder] -= 1
        if not self._holders[holder]:
            del self._holders[holder]

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(self, *_: object) -> None:
        self.release()


class Lock(Semaphore):
    """Mutual exclusion: one permit, and only its holder may give it back. Not reentrant."""

    _kind = "lock"

    def __init__(self, sim: Simulator, name: str = "") -> None:
        super().__init__(sim, 1, name)

    @property
    def locked(self) -> bool:
        """Whether somebody holds it."""
        return not self._free

    def release(self) -> None:
        """Give it back; RuntimeError for a process that does not hold it."""
        me = self.sim._current
        if me is not None and me not in self._holders:  # nobody runs when a simulation is closed down
            raise RuntimeError(f"{_name(me)} does not hold {self.describe()}, so it cannot release it.")
        super().release()


class Queue(Generic[T]):
    """First in, first out, with room for `limit` items (None: no limit)."""

    def __init__(self, sim: Simulator, limit: int | None = None, name: str = "queue") -> None:
        if limit is not None and limit < 1:
            raise ValueError(f"A queue with room for {limit} items takes nothing; give at least 1, or None.")
        self.sim = sim
        self.name = name
        self.limit = limit
        self._items: deque[T] = deque()
        self._getters: deque[_Turn] = deque()
        self._putters: deque[_Turn] = deque()
        self._offered: dict[_Turn, T] = {}

    def __len__(self) -> int:
        return len(self._items)

    @property
    def full(self) -> bool:
        """Whether `put` would wait."""
        return self.limit is not None and len(self._items) >= self.limit

    async def put(self, item: T, timeout_s: float | None = None) -> None:
        """Put an item in, waiting for room; TimeoutError where that lasts longer than `timeout_s`."""
        if not self.full:
            self.put_nowait(item)
            return
        turn = _Turn(self.sim, self._describe_full)
        self._putters.append(turn)
        self._offered[turn] = item
        try:
            await _take(turn, self._putters, timeout_s)
        finally:
            self._offered.pop(turn, None)

    def put_nowait(self, item: T) -> None:
        """Put an item in at once; Rejected where the queue is full."""
        if self.full:
            raise Rejected(f"{self.name} is full: it holds {self.limit} items.")
        getter = _next_wanted(self._getters)
        if getter is None:
            self._items.append(item)
        else:
            getter.set(item)

    async def get(self, timeout_s: float | None = None) -> T:
        """Take the oldest item, waiting for one; TimeoutError where that lasts longer than `timeout_s`."""
        if self._items:
            item = self._items.popleft()
            self._refill()
            return item
        turn = _Turn(self.sim, self._describe_empty)
        self._getters.append(turn)
        try:
            await _take(turn, self._getters, timeout_s)
        except BaseException:
            if turn.done():  # it was handed over and cancelled in the same moment
                self._put_back(turn.result())
            raise
        return turn.result()  # type: ignore[no-any-return]

    def _put_back(self, item: T) -> None:
        getter = _next_wanted(self._getters)
        if getter is None:
            self._items.appendleft(item)
        else:
            getter.set(item)

    def _refill(self) -> None:
        """There is room: let the first in who waits to put."""
        putter = _next_wanted(self._putters)
        if putter is not None:
            self._items.append(self._offered.pop(putter))
            putter.set()

    def _describe_full(self) -> str:
        return f"room in {self.name}, which holds {len(self._items)} items"

    def _describe_empty(self) -> str:
        return f"an item from {self.name}, which is empty"


def _gone(who: Any) -> bool:
    """Whether it has ended. A task whose host crashed never does, but has no ticket any more."""
    return bool(who.done() or who._ticket < 0)


def _name(holder: Any) -> str:
    if holder is None:
        return "a callback"
    return f"{holder.describe()} (dead)" if _gone(holder) else str(holder.describe())
