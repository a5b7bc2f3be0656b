"""What every simulated server has in common: how it counts, how it fails, how it is slowed, stopped and crashed.

A server counts its customers without a gap: whoever arrived was served, rejected at the door, dropped while waiting,
lost in a crash, withdrawn by its client, or is inside. `Reading` is these counters at one moment; the difference of two
readings gives rates, the mean number inside (L) and the utilisation, so that Little's law can be checked everywhere
(Little, "A Proof for the Queuing Formula L = λW", Operations Research 9(3), 1961).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from windtunnel.sim.kernel import NS, Crashed
from windtunnel.sim.signals import NEVER as NEVER

if TYPE_CHECKING:
    from windtunnel.sim.kernel import Simulator


class Rejected(RuntimeError):
    """Turned away at the door, because the queue was full: certainly not served."""

    outcome = "fail"


class Dropped(RuntimeError):
    """Taken out of the queue before any work was done on it: certainly not served."""

    outcome = "fail"


class Withdrawn(RuntimeError):
    """The client took its job back. `outcome` says whether work on it may have been done: "fail" or "unknown"."""

    def __init__(self, message: str, outcome: str) -> None:
        super().__init__(message)
        self.outcome = outcome


class Unanswered(ConnectionResetError):
    """The work was done, and the answer was lost: the customer cannot know."""


class ServerDown(Crashed):
    """The server was down when the customer came: certainly not served."""

    outcome = "fail"


@dataclass(frozen=True, slots=True)
class Reading:
    """A server's counters at one moment.

    Attributes:
        inside_ns: the number of customers inside, summed over time (customer-nanoseconds).
        busy_ns: the number of occupied workers, summed over time (worker-nanoseconds).
    """

    now_ns: int
    workers: int
    arrivals: int
    served: int
    rejected: int
    dropped: int
    lost: int
    withdrawn: int
    inside: int
    inside_ns: int
    busy_ns: int

    @property
    def balanced(self) -> bool:
        """Whether every customer is accounted for."""
        gone = self.served + self.rejected + self.dropped + self.lost + self.withdrawn
        return self.arrivals == gone + self.inside

    def since(self, earlier: Reading) -> Usage:
        """What happened between two readings; ValueError where no time passed between them."""
        passed = self.now_ns - earlier.now_ns
        if passed <= 0:
            raise ValueError("A usage needs two readings with time between them, the earlier one as the argument.")
        entered = self.arrivals - self.rejected - (earlier.arrivals - earlier.rejected)
        return Usage(
            seconds=passed / NS,
            arrival_rate=entered * NS / passed,
            throughput=(self.served - earlier.served) * NS / passed,
            mean_inside=(self.inside_ns - earlier.inside_ns) / passed,
            utilisation=(self.busy_ns - earlier.busy_ns) / passed / self.workers,
        )


@dataclass(frozen=True, slots=True)
class Usage:
    """A server's load between two readings: rates per second, L, and the share of the workers that was occupied.

    `arrival_rate` counts who got in: rejected customers spend no time inside.
    """

    seconds: float
    arrival_rate: float
    throughput: float
    mean_inside: float
    utilisation: float


class ServerBase:
    """Counters, speed and state of a server. What is inside, and for how long, is each kind's own matter.

    Args:
        workers: customers served at once.
        speed: work done in a second by one worker; 0.1 is a server at 10 % of its capacity.
        queue_limit: places to wait (those in service do not count); None is no limit. Who finds them taken is rejected.
    """

    def __init__(
        self, sim: Simulator, name: str, *, workers: int = 1, speed: float = 1.0, queue_limit: int | None = None
    ) -> None:
        if workers < 1:
            raise ValueError(f"{name}: {workers} workers serve nobody; give at least 1.")
        if queue_limit is not None and queue_limit < 0:
            raise ValueError(f"{name}: a queue limit of {queue_limit} is no number of places; give 0 or more, or None.")
        self.sim = sim
        self.name = name
        self.workers = workers
        self.queue_limit = queue_limit
        self._accepted = 0
        self._served = 0
        self._rejected = 0
        self._dropped = 0
        self._lost = 0
        self._withdrawn = 0
        self._speed = self._checked_speed(speed)
        self._share = 1.0
        """The part of its speed that faults leave it."""
        self._pace = self._speed
        """The speed, or 0 while it is paused."""
        self._silent = False
        self._silences: list[list[int]] = []
        """When answers were lost: nanoseconds, from and until."""
        self._paused = False
        self._down = False
        self._most = self._admissible()
        """Customers inside that close the door."""

    def __repr__(self) -> str:
        state = "down" if self._down else "paused" if self._paused else f"{self.inside} inside"
        return f"<{type(self).__name__} {self.name}, {self.workers} workers, {state}>"

    # --- what each kind of server says for itself ------------------------------------------------------------------
    @property
    def inside(self) -> int:
        """Customers waiting or in service."""
        raise NotImplementedError

    def _areas(self) -> tuple[int, int]:
        """Customer-nanoseconds inside and worker-nanoseconds occupied, up to now."""
        raise NotImplementedError

    def _retime(self, old_speed: float) -> None:
        """The speed changed from `old_speed` to `_pace`: move every departure to where it now belongs."""
        raise NotImplementedError

    def _lose_all(self, why: str) -> int:
        """Everyone inside fails with Crashed; how many they were."""
        raise NotImplementedError

    # --- speed, pause, crash -----------------------------------------------------------------------------------------
    @property
    def speed(self) -> float:
        """Work done in a second by one worker while it is not paused."""
        return self._speed * self._share

    @property
    def down(self) -> bool:
        """Whether it has crashed and not been restarted."""
        return self._down

    def set_speed(self, speed: float) -> None:
        """From now on work goes at this speed, also the work that is left of what has begun. 0 stands still."""
        self._speed = self._checked_speed(speed)
        self._set_pace()

    def slow_to(self, share: float) -> None:
        """From now on work goes at this part of the speed; 1 is all of it."""
        self._share = self._checked_speed(share)
        self._set_pace()

    def lose_replies(self, yes: bool) -> None:
        """From now on work is done and the answer is lost, so that customers fail with `Unanswered`; or no longer."""
        if yes != self._silent:
            self._silent = yes
            if yes:
                self._silences.append([self.sim.now_ns, NEVER])
            else:
                self._silences[-1][1] = self.sim.now_ns
            self._note("silent" if yes else "heard", self.name)

    def unanswered(self, at_ns: int) -> Unanswered | None:
        """What a customer meets who left at that moment, if answers were lost then."""
        if any(begin <= at_ns < end for begin, end in self._silences):
            return Unanswered(f"{self.name} did the work, and its answer was lost.")
        return None

    def pause(self) -> None:
        """Stand still, as in a long garbage collection: customers still come in, nobody is served, nothing is lost."""
        self._paused = True
        self._set_pace()

    def resume(self) -> None:
        """Go on after a pause where it stood."""
        self._paused = False
        self._set_pace()

    def _set_pace(self) -> None:
        old, self._pace = self._pace, 0.0 if self._paused else self.speed
        if self._pace != old:
            self._note("pace", self.name, f"{self._pace:g}")
            self._retime(old)

    def crash(self) -> None:
        """Stop dead: who is inside fails with Crashed and is counted as lost; who comes is refused until `restart`."""
        if not self._down:
            self._down = True
            self._most = 0
            self._lost += self._lose_all(f"{self.name} crashed at {self.sim.now:.9f} s")
            self._note("crash", self.name)

    def restart(self) -> None:
        """Come up again: empty, and not paused."""
        if self._down:
            self._down = False
            self._most = self._admissible()
            self._note("restart", self.name)
            self.resume()

    # --- counting --------------------------------------------------------------------------------------------------
    def read(self) -> Reading:
        """The counters as they are now."""
        inside = self.inside
        inside_ns, busy_ns = self._areas()
        return Reading(
            now_ns=self.sim.now_ns,
            workers=self.workers,
            arrivals=self._accepted + self._rejected,
            served=self._served,
            rejected=self._rejected,
            dropped=self._dropped,
            lost=self._lost,
            withdrawn=self._withdrawn,
            inside=inside,
            inside_ns=inside_ns,
            busy_ns=busy_ns,
        )

    def _turn_away(self) -> Rejected | ServerDown:
        """Count an arrival that does not get in, and say why."""
        self._rejected += 1
        self._note("reject", self.name)
        if self._down:
            return ServerDown(f"{self.name} is down; restart it before it can serve.")
        return Rejected(f"{self.name} is full: all {self.queue_limit} places to wait are taken.")

    def _note(self, kind: str, who: str, detail: str = "") -> None:
        trace = self.sim.trace
        if trace is not None:
            trace.record(self.sim.now_ns, kind, who, detail)

    def _admissible(self) -> int:
        return NEVER if self.queue_limit is None else self.workers + self.queue_limit

    def _checked_speed(self, speed: float) -> float:
        if not 0 <= speed < float("inf"):
            raise ValueError(f"{self.name}: a speed of {speed} is not possible; give 0 (stands still) or more.")
        return speed
