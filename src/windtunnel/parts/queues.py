"""The laws of `windtunnel.blocks.resilience` as disciplines of a simulated server.

The laws decide; what stands here only holds the jobs and asks. Times are handed on in nanoseconds, as the server has
them: a law does not care for the unit, as long as all are of one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from windtunnel.blocks.resilience import CoDel as CoDelLaw, ControlledDelay
from windtunnel.sim import Discipline, Drop, Line, Waiting, ns


class CoDel(Line):
    """First come, first served, without those that CoDel drops once the wait has stood for `interval_s`."""

    def __init__(self, target_s: float = 0.005, interval_s: float = 0.100) -> None:
        super().__init__()
        self._law = CoDelLaw(ns(target_s), ns(interval_s))

    def pop(self, now_ns: int, drop: Drop) -> Any | None:
        while (job := self.oldest()) is not None:
            if not self._law.drop(now_ns, now_ns - job.arrived_ns, last=not self.jobs):
                return job
            drop(job)
        self._law.empty()
        return None


class Standing(Line):
    """The common part: knows, by controlled delay, since when the queue has not been empty."""

    def __init__(self, target_s: float, interval_s: float) -> None:
        super().__init__()
        self.law = ControlledDelay(ns(target_s), ns(interval_s))

    def push(self, job: Waiting, now_ns: int) -> None:
        if not self.jobs:
            self.law.empty(now_ns)
        super().push(job, now_ns)


class RequestCoDel(Standing):
    """First come, first served, without those who waited longer than controlled delay lets them.

    CoDel as servers use it: `target_s` while the queue stands, `interval_s` else (Maurer, "Fail at Scale", ACM Queue
    13(8), 2015).
    """

    def __init__(self, target_s: float = 0.005, interval_s: float = 0.100) -> None:
        super().__init__(target_s, interval_s)

    def pop(self, now_ns: int, drop: Drop) -> Any | None:
        if not self.jobs:
            return None
        limit_ns = self.law.patience(now_ns)
        while (job := self.oldest()) is not None:
            if now_ns - job.arrived_ns <= limit_ns:
                return job
            drop(job)
        return None


class AdaptiveLifo(Standing):
    """First come, first served while the queue empties now and then; last come while it stands (Maurer 2015).

    `give_up_s`: who has waited longer than this is thrown out; None keeps everyone.
    """

    def __init__(self, interval_s: float = 0.100, give_up_s: float | None = None) -> None:
        super().__init__(interval_s, interval_s)
        self.give_up_ns = None if give_up_s is None else ns(give_up_s)

    def pop(self, now_ns: int, drop: Drop) -> Any | None:
        jobs = self.jobs
        newest_first = bool(jobs) and self.law.standing(now_ns)
        if self.give_up_ns is not None:
            while jobs and (jobs[0].left or now_ns - jobs[0].arrived_ns > self.give_up_ns):
                job = jobs.popleft()
                if not job.left:
                    drop(job)
        return self.newest() if newest_first else self.oldest()


class Ranked:
    """Lines that are served one after the other, each by a law of its own: a job's `priority` says in which it stands.

    0 is the first; whoever has a higher one than there are lines stands in the last. Service is not interrupted.
    """

    def __init__(self, *lines: Discipline) -> None:
        if not lines:
            raise ValueError("Ranked needs a line at least.")
        self.lines = lines

    def push(self, job: Waiting, now_ns: int) -> None:
        self.lines[min(max(0, int(job.priority)), len(self.lines) - 1)].push(job, now_ns)

    def pop(self, now_ns: int, drop: Drop) -> Any | None:
        for line in self.lines:
            job = line.pop(now_ns, drop)
            if job is not None:
                return job
        return None

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self.lines)

    def clear(self) -> None:
        for line in self.lines:
            line.clear()
