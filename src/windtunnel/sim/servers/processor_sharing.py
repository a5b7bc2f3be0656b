"""A server that works on everyone inside at once, each at an equal share: a CPU, a link, a database's thread pool.

Everyone inside has been given the same amount of work since the last time it was empty, so one number, that amount,
and a heap of the amounts at which jobs are done say everything (Kleinrock, *Queueing Systems* vol. 2, 1976, ch. 4).
An arrival or departure costs O(log n), however many are inside.
"""

from __future__ import annotations

from heapq import heappop, heappush
from math import ceil
from typing import TYPE_CHECKING

from windtunnel.sim.kernel import Crashed
from windtunnel.sim.servers.base import NEVER, ServerBase, Withdrawn
from windtunnel.sim.servers.server import Job

if TYPE_CHECKING:
    from windtunnel.sim.kernel import Simulator


class ProcessorSharingServer(ServerBase):
    """k cores shared by everyone inside: with n jobs each goes at min(1, k/n) of the speed.

    Args:
        workers: the cores; one job never goes faster than one core.
        queue_limit: jobs inside beyond one a core; None is no limit.
    """

    def __init__(
        self, sim: Simulator, name: str, *, workers: int = 1, speed: float = 1.0, queue_limit: int | None = None
    ) -> None:
        super().__init__(sim, name, workers=workers, speed=speed, queue_limit=queue_limit)
        self._jobs: list[tuple[float, int, Job]] = []
        """A heap by the amount given at which a job is done. Withdrawn jobs stay until they come to the top."""
        self._inside = 0
        self._given = 0.0
        """Nanoseconds of work that everyone inside got since it was last empty."""
        self._inside_ns = 0
        self._busy_ns = 0
        self._at_ns = 0
        """The moment up to which all of these are counted."""
        self.due_ns = NEVER

    def serve(self, work_s: float) -> Job:
        """A job of `work_s` seconds of work (alone on a core at speed 1), to be awaited.

        Raises:
            Rejected: too many are inside. ServerDown: the server is down.
        """
        if self._inside >= self._most:
            raise self._turn_away()
        work_ns = round(work_s * 1_000_000_000)
        if work_ns < 0:
            raise ValueError(f"{self.name} cannot do {work_s} s of work; give 0 or more.")
        self._advance(self._pace)
        job = Job(self, work_ns, 0, NEVER)
        job.started_ns = self.sim.now_ns
        if self.sim.trace is not None:
            self.sim.trace.admitted(self, job, job)
        self._accepted += 1
        self._inside += 1
        heappush(self._jobs, (self._given + work_ns, self._accepted, job))
        self._plan()
        return job

    submit = serve

    def _advance(self, pace: float) -> None:
        """Give everyone what they got since the last time, at this pace."""
        now = self.sim.now_ns
        passed, self._at_ns = now - self._at_ns, now
        inside = self._inside
        if passed and inside:
            occupied = min(inside, self.workers)
            self._inside_ns += inside * passed
            self._busy_ns += occupied * passed
            self._given += passed * pace * occupied / inside

    def _plan(self) -> None:
        """Put the next departure into the heap."""
        jobs, sim = self._jobs, self.sim
        while jobs and jobs[0][2].left:
            heappop(jobs)
        if not jobs:
            self._given = 0.0
        if not jobs or not self._pace:
            self.due_ns = NEVER
            return
        rate = self._pace * min(1.0, self.workers / self._inside)
        due = sim.now_ns + max(0, ceil((jobs[0][0] - self._given) / rate))
        if due != self.due_ns or due == sim.now_ns:
            self.due_ns = due
            sim.push(due, self)

    def _run(self) -> None:
        """The moment of a planned departure, or of one that was planned and has moved."""
        if self.sim.now_ns != self.due_ns:
            return
        self.due_ns = NEVER
        self._advance(self._pace)
        jobs = self._jobs
        # The planned one is done, and whoever is done within the same nanosecond.
        self._given = max(self._given, jobs[0][0])
        while jobs and jobs[0][0] <= self._given:
            job = heappop(jobs)[2]
            if not job.left:
                self._finish(job)
        self._plan()

    def _finish(self, job: Job) -> None:
        job.left = True
        if self.sim.trace is not None:
            self.sim.trace.left(self, job, "served")
        self._served += 1
        self._inside -= 1
        job.end(self.unanswered(self.sim.now_ns) if self._silences else None)

    def _withdraw(self, job: Job) -> None:
        self._advance(self._pace)
        job.left = True
        if self.sim.trace is not None:
            self.sim.trace.left(self, job, "withdrawn")
        self._withdrawn += 1
        self._inside -= 1
        job.fail(Withdrawn(f"Withdrawn from {self.name}.", "unknown"))
        self._plan()

    def _retime(self, old_speed: float) -> None:
        self._advance(old_speed)
        self._plan()

    def _lose_all(self, why: str) -> int:
        self._advance(self._pace)
        lost, jobs = self._inside, sorted(self._jobs, key=lambda entry: entry[1])
        self._inside = 0
        self._jobs.clear()
        self._plan()
        for _, _, job in jobs:
            job.left = True
            job.fail(Crashed(why))
        return lost

    @property
    def inside(self) -> int:
        return self._inside

    def _areas(self) -> tuple[int, int]:
        self._advance(self._pace)
        return self._inside_ns, self._busy_ns
