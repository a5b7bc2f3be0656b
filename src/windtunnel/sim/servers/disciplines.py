"""Queue disciplines: who of those that wait is served next, and who is no longer worth serving.

A discipline holds jobs and decides on `pop`; the server asks it each time a worker gets free. It knows no clock: the
moment is handed in, so that a discipline can be tested with a list of numbers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from math import sqrt
from typing import Any, Protocol

from windtunnel.sim.kernel import ns


class Waiting(Protocol):
    """What a discipline needs to know of a job."""

    arrived_ns: int
    priority: float
    left: bool
    """It was withdrawn: it stays where it stands, and is skipped."""


Drop = Callable[[Any], None]
"""Told of each job that a discipline throws out instead of serving it."""


class Discipline(Protocol):
    """A queue of jobs. `pop` returns the next to serve, after telling `drop` of those it threw out on the way."""

    def push(self, job: Any, now_ns: int) -> None: ...
    def pop(self, now_ns: int, drop: Drop) -> Any | None: ...
    def __iter__(self) -> Iterator[Any]: ...
    def clear(self) -> None: ...


class _Line:
    """The common part: a double-ended queue whose left end is the oldest job."""

    def __init__(self) -> None:
        self._jobs: deque[Any] = deque()

    def push(self, job: Waiting, now_ns: int) -> None:
        self._jobs.append(job)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._jobs)

    def clear(self) -> None:
        self._jobs.clear()


class Fifo(_Line):
    """First come, first served."""

    def pop(self, now_ns: int, drop: Drop) -> Any | None:
        jobs = self._jobs
        while jobs:
            job = jobs.popleft()
            if not job.left:
                return job
        return None


class Lifo(_Line):
    """Last come, first served: under overload the few who are served are served in time."""

    def pop(self, now_ns: int, drop: Drop) -> Any | None:
        jobs = self._jobs
        while jobs:
            job = jobs.pop()
            if not job.left:
                return job
        return None


class Priority:
    """The smallest `priority` first; first come, first served among equals. Service is not interrupted."""

    def __init__(self) -> None:
        self._jobs: list[tuple[float, int, Any]] = []
        self._number = 0

    def push(self, job: Waiting, now_ns: int) -> None:
        self._number += 1
        heappush(self._jobs, (job.priority, self._number, job))

    def pop(self, now_ns: int, drop: Drop) -> Any | None:
        while self._jobs:
            job = heappop(self._jobs)[2]
            if not job.left:
                return job
        return None

    def __iter__(self) -> Iterator[Any]:
        return (job for _, _, job in sorted(self._jobs, key=lambda entry: entry[:2]))

    def clear(self) -> None:
        self._jobs.clear()


class CoDel(Fifo):
    """Controlled delay: FIFO that throws jobs out once the wait has stayed above `target_s` for `interval_s`.

    The algorithm for packets, as in Nichols & Jacobson, "Controlling Queue Delay", ACM Queue 10(5), 2012, and RFC 8289,
    section 5: the n-th drop in a row comes `interval / sqrt(n)` after the one before. The RFC's "less than a packet
    is left" reads here: nobody else waits.
    """

    def __init__(self, target_s: float = 0.005, interval_s: float = 0.100) -> None:
        super().__init__()
        if not 0 < target_s < interval_s:
            raise ValueError(f"CoDel needs 0 < target < interval; got {target_s} s and {interval_s} s.")
        self.target_ns = ns(target_s)
        self.interval_ns = ns(interval_s)
        self._above_since_ns: int | None = None
        """When the wait will have been above the target for an interval; None while it is below."""
        self._dropping = False
        self._drop_next_ns = 0
        self._count = 0
        self._last_count = 0

    def pop(self, now_ns: int, drop: Drop) -> Any | None:
        job, may_drop = self._next(now_ns)
        if self._dropping:
            if not may_drop:
                self._dropping = False
            while self._dropping and now_ns >= self._drop_next_ns:
                drop(job)
                self._count += 1
                job, may_drop = self._next(now_ns)
                if may_drop:
                    self._drop_next_ns = self._control_law(self._drop_next_ns)
                else:
                    self._dropping = False
        elif may_drop:
            drop(job)
            job, _ = self._next(now_ns)
            self._dropping = True
            # Drops that ended a moment ago are gone on with, not begun again.
            drops = self._count - self._last_count
            recent = now_ns - self._drop_next_ns < 16 * self.interval_ns
            self._count = drops if drops > 1 and recent else 1
            self._drop_next_ns = self._control_law(now_ns)
            self._last_count = self._count
        return job

    def _next(self, now_ns: int) -> tuple[Any | None, bool]:
        job = super().pop(now_ns, _never)
        if job is None or now_ns - job.arrived_ns < self.target_ns or not self._jobs:
            self._above_since_ns = None
            return job, False
        if self._above_since_ns is None:
            self._above_since_ns = now_ns + self.interval_ns
            return job, False
        return job, now_ns >= self._above_since_ns

    def _control_law(self, from_ns: int) -> int:
        return from_ns + round(self.interval_ns / sqrt(self._count))


class _Standing(_Line):
    """Knows since when the queue has not been empty."""

    def __init__(self, interval_s: float) -> None:
        super().__init__()
        self.interval_ns = ns(interval_s)
        self._empty_ns = 0
        """The last moment at which nobody waited."""

    def push(self, job: Waiting, now_ns: int) -> None:
        if not self._jobs:
            self._empty_ns = now_ns
        self._jobs.append(job)

    def standing(self, now_ns: int) -> bool:
        """Whether the queue has not been empty for an interval."""
        return bool(self._jobs) and now_ns - self._empty_ns > self.interval_ns


class RequestCoDel(_Standing):
    """FIFO with a short time limit for waiting while the queue stands, and a long one else.

    CoDel as servers use it: who has waited longer than `target_s` is thrown out if the queue has not been empty for
    `interval_s`; else the limit is the interval (Maurer, "Fail at Scale", ACM Queue 13(8), 2015).
    """

    def __init__(self, target_s: float = 0.005, interval_s: float = 0.100) -> None:
        super().__init__(interval_s)
        if not 0 < target_s < interval_s:
            raise ValueError(f"RequestCoDel needs 0 < target < interval; got {target_s} s and {interval_s} s.")
        self.target_ns = ns(target_s)

    def pop(self, now_ns: int, drop: Drop) -> Any | None:
        jobs = self._jobs
        limit = self.target_ns if self.standing(now_ns) else self.interval_ns
        while jobs:
            job = jobs.popleft()
            if job.left:
                continue
            if now_ns - job.arrived_ns <= limit:
                return job
            drop(job)
        return None


class AdaptiveLifo(_Standing):
    """FIFO while the queue empties now and then; LIFO while it has stood for `interval_s` (Maurer 2015).

    Args:
        give_up_s: who has waited longer than this is thrown out; None keeps everyone.
    """

    def __init__(self, interval_s: float = 0.100, give_up_s: float | None = None) -> None:
        super().__init__(interval_s)
        self.give_up_ns = None if give_up_s is None else ns(give_up_s)

    def pop(self, now_ns: int, drop: Drop) -> Any | None:
        jobs = self._jobs
        newest_first = self.standing(now_ns)
        if self.give_up_ns is not None:
            while jobs and (jobs[0].left or now_ns - jobs[0].arrived_ns > self.give_up_ns):
                job = jobs.popleft()
                if not job.left:
                    drop(job)
        while jobs:
            job = jobs.pop() if newest_first else jobs.popleft()
            if not job.left:
                return job
        return None


def _never(job: object) -> None:
    raise AssertionError("Fifo drops nobody.")
