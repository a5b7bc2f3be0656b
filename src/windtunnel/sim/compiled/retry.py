"""One server, impatient clients that retry, and a trigger: the model of metastable failure, compiled.

A server that is fine at its load gets a burst of trouble (a loss of capacity for a moment). Clients that wait too long
try again while their first attempts are still in the queue; where that makes more work than there is capacity, the
trouble stays when the trigger is gone (Bronson et al., "Metastable Failures in Distributed Systems", HotOS 2021; Huang
et al., "Metastable Failures in the Wild", OSDI 2022). `retry_storm` runs the compiled kernel;
`windtunnel.parts.by_events` the same with light processes, and is its oracle.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from windtunnel.sim.arrivals import constant_ns, generator, poisson_ns
from windtunnel.sim.kernel import NS, ns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DISCIPLINES = ("fifo", "lifo", "codel", "request codel", "adaptive lifo")
"""In the order in which `kernels.retry` numbers them."""
COLUMNS = ("offered", "attempts", "good", "failed", "served", "rejected", "dropped")


@dataclass(frozen=True)
class RetryStorm:
    """The model's parameters.

    Attributes:
        load: requests a second (Poisson).
        capacity: requests a second that the server can do, one after the other.
        timeout_s: a client waits so long for an attempt.
        retries: attempts after the first.
        pause_s: between the end of an attempt and the next.
        retry_budget: retries allowed for each request, from a bucket that all clients share (0.1 is a tenth); None is
            no budget. The bucket holds `budget_burst` retries, and is full at first.
        discipline: of the server's queue, one of `DISCIPLINES`.
        queue_limit: places to wait; None is no limit. A rejected or dropped client hears of it at once.
        drops_late: the server drops attempts whose client has given up, before it works on them.
        target_s, interval_s: of CoDel and its like.
        trigger_at_s, trigger_s, trigger_loss: from when, for how long, and what share of the capacity is lost.
        seconds: length of the run.
        peak: requests a second at the middle of the run, to which the load rises evenly, and from which it falls back;
            None is an even load.
    """

    load: float = 700.0
    capacity: float = 1000.0
    timeout_s: float = 0.250
    retries: int = 3
    pause_s: float = 0.0
    retry_budget: float | None = None
    budget_burst: float = 10.0
    discipline: str = "fifo"
    queue_limit: int | None = None
    drops_late: bool = False
    target_s: float = 0.005
    interval_s: float = 0.100
    trigger_at_s: float = 20.0
    trigger_s: float = 0.5
    trigger_loss: float = 0.9
    seconds: float = 90.0
    peak: float | None = None

    def __post_init__(self) -> None:
        if self.discipline not in DISCIPLINES:
            raise ValueError(f"No discipline {self.discipline!r}; there are {', '.join(DISCIPLINES)}.")
        if min(self.load, self.capacity, self.timeout_s, self.seconds, self.peak or self.load) <= 0:
            raise ValueError("Load, peak, capacity, timeout_s and seconds need to be above 0.")
        if min(self.retries, self.pause_s, self.trigger_at_s, self.trigger_s, self.queue_limit or 0) < 0:
            raise ValueError("Retries, pause_s, queue_limit and the trigger's times need to be 0 or more.")
        if not 0 <= self.trigger_loss <= 1:
            raise ValueError(f"A trigger takes a share of the capacity, from 0 to 1; got {self.trigger_loss}.")

    def streams(self, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Arrivals and works of this seed, in nanoseconds. A higher load is the same luck closer together."""
        import numpy as np

        even = self.load if self.peak is None else (self.load + self.peak) / 2
        count = round(even * self.seconds + 6 * (even * self.seconds) ** 0.5 + 10)
        arrivals = poisson_ns(generator(seed, "retry storm"), even, count)
        arrivals = arrivals[: int(np.searchsorted(arrivals, ns(self.seconds)))]
        if self.peak is not None:
            arrivals = self._up_and_down(arrivals)
        return arrivals, constant_ns(1 / self.capacity, len(arrivals))

    def _up_and_down(self, arrivals: NDArray[np.int64]) -> NDArray[np.int64]:
        """Arrivals at the even rate moved so that the rate is a triangle: as many have come by then as would have."""
        import numpy as np

        assert self.peak is not None
        low, rise = self.load, (self.peak - self.load) / (self.seconds / 2)
        come = arrivals * ((self.load + self.peak) / 2 / NS)
        every = (self.load + self.peak) / 2 * self.seconds
        half = np.minimum(come, every - come)  # the second half is the first one backwards
        at_s = 2 * half / (low + np.sqrt(low * low + 2 * rise * half))
        moved: NDArray[np.int64] = np.rint(np.where(come <= every / 2, at_s, self.seconds - at_s) * NS).astype(np.int64)
        return moved

    def changes(self) -> list[tuple[int, float]]:
        """When the server's speed changes (ns), and to what."""
        end = self.trigger_at_s + self.trigger_s
        return [(ns(self.trigger_at_s), 1.0 - self.trigger_loss), (ns(end), 1.0)] if self.trigger_s > 0 else []


@dataclass(frozen=True)
class Storm:
    """What happened, second by second; each column of `COLUMNS` is an attribute, an array of counts.

    `good` counts requests answered before their client gave up, in the second of the answer.
    """

    tallies: NDArray[np.int64] = field(repr=False)
    left: int
    """Attempts in the server at the end."""

    def __getattr__(self, column: str) -> NDArray[np.int64]:
        if column in COLUMNS:
            return self.tallies[:, COLUMNS.index(column)]
        raise AttributeError(column)

    def goodput(self, start_s: int, end_s: int) -> float:
        """Good answers a second between two moments."""
        return float(self.good[start_s:end_s].mean())

    def recovered(self, last_s: int = 10, share: float = 0.9) -> bool:
        """Whether in the last seconds at least this share of the offered requests was answered in time."""
        return bool(self.good[-last_s:].sum() >= share * self.offered[-last_s:].sum())


_runs: list[tuple[RetryStorm, int]] | None = None


@contextmanager
def noting(runs: list[tuple[RetryStorm, int]]) -> Iterator[None]:
    """While it is open, each model that is run is noted, with its seed: who judges a map runs its cells again."""
    global _runs
    before, _runs = _runs, runs
    try:
        yield
    finally:
        _runs = before


def retry_storm(model: RetryStorm, seed: int = 0) -> Storm:
    """Run the compiled model; about 10^7 attempts a second, so a map of 400 points takes seconds."""
    import numpy as np

    from windtunnel.sim.compiled.kernels import retry

    if _runs is not None:
        _runs.append((model, seed))
    arrivals, works = model.streams(seed)
    changes = model.changes()
    tallies = _empty(model)
    left = retry.retry_storm(
        arrivals,
        works,
        np.array([at for at, _ in changes], np.int64),
        np.array([pace for _, pace in changes], np.float64),
        ns(model.timeout_s),
        model.retries,
        ns(model.pause_s),
        -1.0 if model.retry_budget is None else model.retry_budget,
        model.budget_burst,
        DISCIPLINES.index(model.discipline),
        -1 if model.queue_limit is None else model.queue_limit,
        model.drops_late,
        ns(model.target_s),
        ns(model.interval_s),
        ns(model.seconds),
        NS,
        tallies,
    )
    return Storm(tallies, int(left))


def _empty(model: RetryStorm) -> Any:
    import numpy as np

    return np.zeros((ns(model.seconds) // NS + 1, len(COLUMNS)), np.int64)
