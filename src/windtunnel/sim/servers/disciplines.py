"""Queue disciplines: who of those that wait is served next, and who is no longer worth serving.

A discipline holds jobs and decides on `pop`; the server asks it each time a worker gets free. It knows no clock: the
moment is handed in, so that a discipline can be tested with a list of numbers. Those that drop jobs by a law
(controlled delay) stand in `windtunnel.parts`, beside the law.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from typing import Any, Protocol


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


class Line:
    """What most disciplines are made of: a double-ended queue whose left end is the oldest job."""

    def __init__(self) -> None:
        self.jobs: deque[Any] = deque()

    def push(self, job: Waiting, now_ns: int) -> None:
        self.jobs.append(job)

    def oldest(self) -> Any | None:
        """Take out who has waited longest; None where nobody waits."""
        jobs = self.jobs
        while jobs:
            job = jobs.popleft()
            if not job.left:
                return job
        return None

    def newest(self) -> Any | None:
        """Take out who came last; None where nobody waits."""
        jobs = self.jobs
        while jobs:
            job = jobs.pop()
            if not job.left:
                return job
        return None

    def __iter__(self) -> Iterator[Any]:
        return iter(self.jobs)

    def clear(self) -> None:
        self.jobs.clear()


class Fifo(Line):
    """First come, first served."""

    def pop(self, now_ns: int, drop: Drop) -> Any | None:
        return self.oldest()


class Lifo(Line):
    """Last come, first served: under overload the few who are served are served in time."""

    def pop(self, now_ns: int, drop: Drop) -> Any | None:
        return self.newest()


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
