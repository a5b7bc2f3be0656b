"""A server with workers, a queue and a discipline: the general kind. One event a customer, and one hop to wake it.

Where the discipline is first come, first served and jobs are not withdrawn, `FifoServer` does the same for less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from windtunnel.sim.kernel import Crashed, Signal
from windtunnel.sim.servers.base import NEVER, Dropped, ServerBase, Withdrawn
from windtunnel.sim.servers.disciplines import Discipline, Fifo
from windtunnel.sim.tier import lend, native

if TYPE_CHECKING:
    from windtunnel.sim.kernel import Simulator


class Serves(Protocol):
    """What a job knows of its server."""

    sim: Simulator
    name: str

    def _finish(self, job: Job) -> None: ...
    def _withdraw(self, job: Job) -> None: ...


class Job(Signal[None]):
    """A customer of a `Server`: await it for the end of its service.

    It fails with Dropped (thrown out of the queue), Crashed (the server died with it) or Withdrawn. Giving up the wait,
    for instance by `within`, does not touch it: the server works on for nobody. `withdraw` takes it out.
    """

    __slots__ = ("arrived_ns", "deadline_ns", "due_ns", "left", "priority", "server", "started_ns", "work_ns")

    def __init__(self, server: Serves, work_ns: float, priority: float, deadline_ns: int) -> None:
        # Signal's fields, written out: there is one of these a customer.
        self.sim = server.sim
        self.name = ""
        self._done = False
        self._value = None
        self._error = None
        self._waiters = None
        self._asyncio_future_blocking = False
        self.server = server
        self.work_ns = work_ns
        """Work that is left, at the moment of the last change of pace (or at the start)."""
        self.priority = priority
        self.deadline_ns = deadline_ns
        self.arrived_ns = self.sim.now_ns
        self.started_ns = NEVER
        """When service began."""
        self.due_ns = NEVER
        """When service ends, as far as is known."""
        self.left = False

    def describe(self) -> str:
        return f"a job at {self.server.name}"

    def end(self, error: Exception | None) -> None:
        """The work is done: tell the customer, or let it fail."""
        if error is None:
            self.set()
        else:
            self.fail(error)

    def withdraw(self) -> bool:
        """Take the job back: out of the queue, or off its worker. False where it is over already."""
        if self._done:
            return False
        self.server._withdraw(self)
        return True

    def _run(self) -> None:
        if self.due_ns == self.sim.now_ns and not self._done:
            self.server._finish(self)


class Server(ServerBase):
    """k workers in front of a queue with a discipline (default: first come, first served).

    Args:
        discipline: orders and prunes the queue; see `windtunnel.sim.servers.disciplines`.
    """

    def __init__(
        self,
        sim: Simulator,
        name: str,
        *,
        workers: int = 1,
        speed: float = 1.0,
        queue_limit: int | None = None,
        discipline: Discipline | None = None,
    ) -> None:
        super().__init__(sim, name, workers=workers, speed=speed, queue_limit=queue_limit)
        self.discipline: Discipline = Fifo() if discipline is None else discipline
        self._serving: dict[Job, None] = {}
        self._inside = 0
        self._entered_ns = 0
        """Moments of arrival less moments of leaving, summed; with `_inside` times now it is the area inside."""
        self._begun_ns = 0
        """The same for service."""
        self._timed_ns = 0

    def serve(self, work_s: float, *, priority: float = 0, deadline: float | None = None) -> Job:
        """A job of `work_s` seconds of work (at speed 1), to be awaited.

        Args:
            priority: the smaller, the sooner, where the discipline looks at it.
            deadline: second of virtual time after which no work is begun on it: it fails with Dropped instead.

        Raises:
            Rejected: the queue is full. ServerDown: the server is down.
        """
        if len(self._serving) >= self.workers:
            self._settle()
        if self._inside >= self._most:
            raise self._turn_away()
        work_ns = (work_s * 1_000_000_000).__round__()
        if work_ns < 0:
            raise ValueError(f"{self.name} cannot do {work_s} s of work; give 0 or more.")
        now = self.sim.now_ns
        job = Job(self, work_ns, priority, NEVER if deadline is None else round(deadline * 1_000_000_000))
        if self.sim.trace is not None:
            self.sim.trace.admitted(self, job, job)
        self._accepted += 1
        self._inside += 1
        self._entered_ns += now
        if len(self._serving) < self.workers and now < job.deadline_ns:
            self._begin(job)
        elif len(self._serving) < self.workers:
            self._drop(job)
        else:
            self.discipline.push(job, now)
        return job

    submit = serve

    # --- what happens to a job ---------------------------------------------------------------------------------------
    def _begin(self, job: Job) -> None:
        sim = self.sim
        job.started_ns = now = sim.now_ns
        self._begun_ns += now
        self._serving[job] = None
        self._plan(job)

    def _plan(self, job: Job) -> None:
        """Put the end of the job's service, as it looks now, into the heap."""
        pace, sim = self._pace, self.sim
        if pace:
            job.due_ns = due = sim.now_ns + round(job.work_ns if pace == 1.0 else job.work_ns / pace)
            sim.push(due, job)
        else:
            job.due_ns = NEVER

    def _finish(self, job: Job) -> None:
        now = self.sim.now_ns
        self._served += 1
        del self._serving[job]
        self._inside -= 1
        self._entered_ns -= now
        self._begun_ns -= now
        if self.sim.trace is not None:
            self._note("serve", self.name, f"{job.arrived_ns} {now}")
            self.sim.trace.left(self, job, "served")
        job.end(self.unanswered(now) if self._silences else None)
        self._next()

    def _settle(self) -> None:
        """Who is due at this very moment leaves before anything else happens: as everywhere, departures go first."""
        now = self.sim.now_ns
        while True:
            for job in self._serving:
                if job.due_ns == now:
                    self._finish(job)
                    break
            else:
                return

    def _next(self) -> None:
        """A worker is free: begin the next job that is still worth it."""
        now = self.sim.now_ns
        while True:
            job = self.discipline.pop(now, self._drop)
            if job is None:
                return
            if now < job.deadline_ns:
                self._begin(job)
                return
            self._drop(job)

    def _drop(self, job: Job) -> None:
        self._dropped += 1
        self._leave(job)
        if self.sim.trace is not None:
            self.sim.trace.left(self, job, "dropped")
        waited_s = (self.sim.now_ns - job.arrived_ns) / 1e9
        job.fail(Dropped(f"{self.name} dropped it after {waited_s:.6f} s in the queue, before any work."))

    def _withdraw(self, job: Job) -> None:
        self._withdrawn += 1
        begun = job in self._serving
        self._leave(job)
        if self.sim.trace is not None:
            self.sim.trace.left(self, job, "withdrawn")
        job.fail(Withdrawn(f"Withdrawn from {self.name}.", "unknown" if begun else "fail"))
        if begun:
            del self._serving[job]
            self._begun_ns -= self.sim.now_ns
            self._next()

    def _leave(self, job: Job) -> None:
        job.left = True
        self._inside -= 1
        self._entered_ns -= self.sim.now_ns

    # --- what happens to the server ----------------------------------------------------------------------------------
    def _retime(self, old_speed: float) -> None:
        self._settle()
        now = self.sim.now_ns
        for job in self._serving:
            job.work_ns = max(0, job.work_ns - (now - max(job.started_ns, self._timed_ns)) * old_speed)
            self._plan(job)
        self._timed_ns = now

    def _lose_all(self, why: str) -> int:
        self._settle()
        now = self.sim.now_ns
        jobs = [*self._serving, *(job for job in self.discipline if not job.left)]
        self._begun_ns -= now * len(self._serving)
        self._entered_ns -= now * self._inside
        self._inside = 0
        self._serving.clear()
        self.discipline.clear()
        for job in jobs:
            job.left = True
            job.fail(Crashed(why))
        return len(jobs)

    # --- counting ----------------------------------------------------------------------------------------------------
    @property
    def inside(self) -> int:
        return self._inside

    @property
    def waiting(self) -> int:
        """Jobs in the queue."""
        return self._inside - len(self._serving)

    def _areas(self) -> tuple[int, int]:
        now = self.sim.now_ns
        return self._inside * now - self._entered_ns, len(self._serving) * now - self._begun_ns


if not TYPE_CHECKING and native is not None:
    native.learn(Fifo=Fifo)
    Job = lend(native.Job, Job, "describe", "end", "withdraw")

    class Server(native.ServerCore, Server):
        __doc__ = Server.__doc__
