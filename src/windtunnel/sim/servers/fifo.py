"""A first-come-first-served server that costs one event a customer.

In FIFO order nothing that comes later changes when a customer leaves, so the departure is known on arrival (Lindley,
"The theory of queues with a single server", Math. Proc. Cambridge 48(2), 1952; for k workers Kiefer & Wolfowitz 1955:
the customer takes the worker that is free first). Only a change of speed, a pause or a crash touches who is inside.
`server.Server` keeps a real queue instead, for every other discipline, and serves as this one's oracle.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import Generator
from contextvars import Context
from heapq import heapify, heappop, heappush, heapreplace
from typing import TYPE_CHECKING, Any, Final

from windtunnel.sim.kernel import Crashed, Process, Signal
from windtunnel.sim.servers.base import NEVER, Reading, ServerBase
from windtunnel.sim.tier import native

if TYPE_CHECKING:
    from windtunnel.sim.kernel import Simulator

Entry = list[Any]
"""A customer inside: the five fields below. A list, because heaps order lists and they cost the least."""
ENTRY: Final[Any] = list if native is None else native.Customer
"""What one is, on the tier that runs."""
DEPARTURE, NUMBER, START, WORK, WAITER = range(5)


class Departure(Signal[None]):
    """A customer of a FIFO server, for whoever wants to hold it: happens when the server is done with it.

    Its moment is known, so it goes into the heap only when somebody waits for it.
    """

    __slots__ = ("_planned_ns", "due_ns", "server")

    def __init__(self, server: FifoServer) -> None:
        # Signal's fields, written out: there is one of these a customer.
        self.sim = server.sim
        self.name = ""
        self._done = False
        self._value = None
        self._error = None
        self._waiters = None
        self.server = server
        self.due_ns = NEVER
        self._planned_ns = NEVER

    def done(self) -> bool:
        return self._done or self.due_ns <= self.sim.now_ns

    def result(self) -> None:
        if not self._done:
            self._look()
        return super().result()

    def exception(self) -> BaseException | None:
        if not self._done:
            self._look()
        return super().exception()

    def _look(self) -> None:
        if self.due_ns <= self.sim.now_ns:
            self._done = True
            self._error = self.server.unanswered(self.due_ns) if self.server._silences else None

    def describe(self) -> str:
        return f"a departure from {self.server.name}"

    def _add_waiter(self, who: Any, ticket: Any, context: Context | None = None) -> None:
        super()._add_waiter(who, ticket, context)
        if self.due_ns <= self.sim.now_ns:
            self._answer()
        else:
            self._plan()

    def _plan(self) -> None:
        """Into the heap, if somebody waits and there it is not."""
        if self._waiters and self.due_ns < NEVER and self._planned_ns != self.due_ns:
            self._planned_ns = self.due_ns
            self.sim.push(self.due_ns, self)

    def _run(self) -> None:
        waiters, sim = self._waiters, self.sim
        if waiters and len(waiters) == 1 and waiters[0][1] is None and not (self._done or self.server._silences):
            ready = sim._ready
            if not ready and ready.__class__ is deque:
                # A request ends in one hop: its caller would be the next to be called in any case.
                self._done = True
                self._waiters = None
                waiters[0][0](self)
                return
        self._answer()

    def _answer(self) -> None:
        error = self.server.unanswered(self.due_ns) if self.server._silences else None
        if error is None:
            self.set()
        else:
            self.fail(error)


class FifoServer(ServerBase):
    """k workers, one queue, first come first served; exact, also while its speed changes.

    A client that stops waiting (a timeout, a cancellation, its own crash) frees nothing: the server does not know, and
    works on. Safe for light processes and asyncio tasks alike; not for threads, as nothing in the tunnel is.
    """

    def __init__(
        self, sim: Simulator, name: str, *, workers: int = 1, speed: float = 1.0, queue_limit: int | None = None
    ) -> None:
        super().__init__(sim, name, workers=workers, speed=speed, queue_limit=queue_limit)
        self._line: deque[Entry] | None = deque() if workers == 1 else None
        """Who is inside, by departure: with one worker that is the order of arrival, else `_crowd`, a heap."""
        self._crowd: list[Entry] = []
        self._free_ns = [0] * workers
        """A heap of the moments at which each worker is done with all that it was given."""
        self._watched = False
        self._plain = speed == 1.0
        """Work takes as long as it says: the case that `_admit` has a short way for."""
        self._inside_ns = 0
        self._busy_ns = 0
        self._timed_ns = 0
        sim._foreseen.append(self._last_departure_ns)
        self._standstill: Signal[None] = Signal(sim, f"{name}, which stands still")

    # --- being served ------------------------------------------------------------------------------------------------
    @types.coroutine
    def serve(self, work_s: float) -> Generator[Any, None, None]:
        """Wait for a worker, then while it does `work_s` seconds of work (at speed 1).

        Raises:
            Rejected: the queue is full. ServerDown: the server is down. Crashed: it crashed with this customer inside.
            Unanswered: the work was done, and the answer was lost.
        """
        sim = self.sim
        current = sim._current
        if current is not None and self._pace:
            entry = self._admit((work_s * 1_000_000_000).__round__(), current)
            try:
                yield entry[0] - sim.now_ns
            except BaseException:
                entry[WAITER] = None
                if sim.trace is not None:
                    sim.trace.gave_up(current)
                raise
            if self._silences:
                error = self.unanswered(entry[0])
                if error is not None:
                    raise error
        else:
            yield from self.submit(work_s).__await__()

    def submit(self, work_s: float) -> Departure:
        """As `serve`, without waiting: returns what happens when the work is done. Raises at once what `serve` does."""
        departure = Departure(self)
        departure.due_ns = self._admit((work_s * 1_000_000_000).__round__(), departure)[0]
        return departure

    def _admit(self, work_ns: int, waiter: Any) -> Entry:
        sim = self.sim
        now = sim.now_ns
        line = self._line
        if line is None:
            inside = self._depart()
        else:
            while line and line[0][0] <= now:
                line.popleft()
            inside = len(line)
        if inside >= self._most:
            raise self._turn_away()
        if work_ns < 0:
            raise ValueError(f"{self.name} cannot do {work_ns} ns of work; give 0 or more.")
        if work_ns.__class__ is not int:  # NumPy's whole seconds: the clock keeps to Python's integers
            work_ns = int(work_ns)
        free = self._free_ns
        start = free[0]
        if start < now:
            start = now
        departure = start + work_ns if self._plain else self._departure(start, work_ns)
        self._accepted = number = self._accepted + 1
        self._busy_ns += departure - start
        self._inside_ns += departure - now
        entry = [departure, number, start, work_ns, waiter]
        if line is None:
            heapreplace(free, departure)
            heappush(self._crowd, entry)
        else:
            free[0] = departure
            line.append(entry)
        if sim.trace is not None:
            self._note("serve", self.name, f"{number} {departure}")
            sim.trace.admitted(self, entry, waiter)
        return entry

    def _departure(self, start: int, work_ns: float) -> int:
        """When work that begins at `start` is done, if the pace stays as it is."""
        if start >= NEVER or not self._pace:
            return NEVER
        return min(NEVER, start + round(work_ns / self._pace))

    def _depart(self) -> int:
        """Let go of those who have left; how many remain."""
        if self._line is not None:
            return self.inside
        now = self.sim.now_ns
        crowd = self._crowd
        while crowd and crowd[0][DEPARTURE] <= now:
            heappop(crowd)
        return len(crowd)

    # --- what happens to the server ----------------------------------------------------------------------------------
    def _retime(self, old_speed: float) -> None:
        self._depart()
        self._plain = self._pace == 1.0
        now = self.sim.now_ns
        entries = self._in_order_of_arrival()
        began = [entry for entry in entries if entry[START] <= now]
        for entry in began:
            entry[WORK] -= (now - max(entry[START], self._timed_ns)) * old_speed
        self._timed_ns = now
        free = [now] * (self.workers - len(began))
        doomed = self._about_to_raise()
        for entry in entries:
            old, start = entry[DEPARTURE], entry[START]
            if start <= now:
                departure = self._departure(now, max(0, entry[WORK]))
                heappush(free, departure)
                self._busy_ns += departure - old
            else:
                self._busy_ns -= old - start
                entry[START] = start = max(now, free[0])
                departure = self._departure(start, entry[WORK])
                heapreplace(free, departure)
                self._busy_ns += departure - start
            entry[DEPARTURE] = departure
            self._inside_ns += departure - old
            if entry[WAITER] is not None and entry[WAITER] not in doomed:
                self._wake_at(entry[WAITER], departure)
        self._free_ns = free
        self._reorder()

    def _reorder(self) -> None:
        """The moments of departure have changed."""
        if self._line is None:
            heapify(self._crowd)

    def _empty(self) -> None:
        """Nobody is inside any more."""
        self._crowd.clear()
        if self._line is not None:
            self._line.clear()

    def _wake_at(self, waiter: Any, when_ns: int) -> None:
        """Move the moment at which a process, a task or a departure is woken."""
        sim = self.sim
        if isinstance(waiter, Departure):
            waiter.due_ns = when_ns
            waiter._plan()
        elif not waiter.done():
            # A fresh ticket makes the old heap entry stale.
            waiter._ticket = ticket = next(sim._numbers)
            waiter._waits_for = self._standstill
            if when_ns < NEVER:
                sim._plan(when_ns, ticket, waiter)

    def _lose_all(self, why: str) -> int:
        lost = self._depart()
        now = self.sim.now_ns
        doomed = self._about_to_raise()
        for entry in self._in_order_of_arrival():
            self._inside_ns -= entry[DEPARTURE] - now
            self._busy_ns -= entry[DEPARTURE] - max(entry[START], now)
            waiter, entry[WAITER] = entry[WAITER], None
            if isinstance(waiter, Departure):
                waiter.due_ns = NEVER
                waiter.fail(Crashed(why))
            elif waiter is not None and waiter not in doomed:
                throw = waiter.throw if isinstance(waiter, Process) else waiter._throw
                throw(Crashed(why))
        self._empty()
        self._free_ns = [now] * self.workers
        return lost

    def _about_to_raise(self) -> set[Any]:
        """Processes into which an exception is on its way, or laid aside by a pause: they no longer wait here."""
        laid_aside = (turn for host in self.sim.hosts.values() for turn in host._held)
        return {process for process, _, error in (*self.sim._ready, *laid_aside) if error is not None}

    def _last_departure_ns(self) -> int:
        """The moment up to which it works, as far as that is known."""
        last = max(self._free_ns)
        return last if last < NEVER else self.sim.now_ns

    def _in_order_of_arrival(self) -> list[Entry]:
        return list(self._line) if self._line is not None else sorted(self._crowd, key=lambda entry: entry[NUMBER])

    # --- counting --------------------------------------------------------------------------------------------------
    @property
    def inside(self) -> int:
        line = self._line
        if line is None:
            return self._depart()
        now = self.sim.now_ns
        while line and line[0][0] <= now:
            line.popleft()
        return len(line)

    def read(self) -> Reading:
        self._served = self._accepted - self._depart() - self._lost
        return super().read()

    @property
    def free_at_ns(self) -> int:
        """When a customer who came now would be taken on by a worker."""
        return max(self.sim.now_ns, self._free_ns[0])

    def _areas(self) -> tuple[int, int]:
        now = self.sim.now_ns
        entries = self._in_order_of_arrival()
        inside = sum(entry[DEPARTURE] - now for entry in entries)
        busy = sum(entry[DEPARTURE] - max(entry[START], now) for entry in entries)
        return self._inside_ns - inside, self._busy_ns - busy


if not TYPE_CHECKING and native is not None:
    Departure = native.Departure

    class FifoServer(native.FifoCore, FifoServer):
        __doc__ = FifoServer.__doc__
