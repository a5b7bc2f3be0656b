"""Compiled queues: the models of `server_fifo` for 10^7 customers and more, on the same whole nanoseconds.

Arrays in, arrays out: `arrivals.py` makes the streams, and an event simulation that walks the same arrays gives the
same departures to the nanosecond. `stream_station` needs no arrays and runs as long as you like. Numba and NumPy are
imported on the first call.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt
from typing import TYPE_CHECKING

from windtunnel.sim.arrivals import generator
from windtunnel.sim.kernel import NS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Times = NDArray[np.int64]

POLICIES = ("given", "round robin", "fewest", "fewest of", "least work", "idle first")
"""How a balancer chooses, in the order in which `kernels.balancer` numbers them."""


def fifo_departures(arrivals_ns: ArrayLike, works_ns: ArrayLike, workers: int = 1) -> Times:
    """When each customer of a G/G/k FIFO station leaves, in the order of arrival.

    Args:
        arrivals_ns: moments of arrival, in order.
        works_ns: nanoseconds of service.

    Raises:
        ValueError: the arrays do not fit together, arrivals are out of order, or a work is negative.
    """
    import numpy as np

    from windtunnel.sim.compiled.kernels.stations import fifo

    arrivals, works = _streams(arrivals_ns, works_ns)
    if workers < 1:
        raise ValueError(f"{workers} workers serve nobody; give at least 1.")
    departures = np.empty_like(arrivals)
    fifo(arrivals, works, np.zeros(workers, np.int64), departures)
    return departures


@dataclass(frozen=True)
class Balanced:
    """What became of each customer of a balancer: the server that it was sent to (int32), and when it left (ns)."""

    servers: NDArray[np.int32]
    departures_ns: Times


def balance(
    arrivals_ns: ArrayLike,
    works_ns: ArrayLike,
    servers: int,
    policy: str = "fewest",
    *,
    looked_at: NDArray[np.int32] | None = None,
    refresh_s: float = 0.0,
    speeds: list[float] | None = None,
) -> Balanced:
    """Send customers to one of `servers` FIFO servers of one worker each.

    Args:
        policy: "given" (the first of `looked_at`: random, or hashed), "round robin", "fewest" (customers inside, of
            all servers), "fewest of" (those looked at: the power of d choices), "least work" (left, of all), "idle
            first" (any idle one, else the first looked at).
        looked_at: (customers, d) server numbers, drawn outside; `look_at` draws them.
        refresh_s: the balancer's numbers are from the last multiple of this (Mitzenmacher, "How Useful Is Old
            Information?", 2000, the periodic update model); 0 sees them as they are.
        speeds: one a server; all 1 by default.

    Raises:
        ValueError: an argument does not fit.
    """
    import numpy as np

    from windtunnel.sim.compiled.kernels import balancer

    arrivals, works = _streams(arrivals_ns, works_ns)
    if policy not in POLICIES:
        raise ValueError(f"No policy {policy!r}; there are {', '.join(POLICIES)}.")
    if servers < 1 or (speeds is not None and (len(speeds) != servers or min(speeds) <= 0)):
        raise ValueError("Needs at least one server, and a speed above 0 for each.")
    needed = policy in ("given", "fewest of", "idle first")
    if needed and (looked_at is None or looked_at.ndim != 2 or len(looked_at) != len(arrivals) or not looked_at.size):
        raise ValueError(f"Policy {policy!r} needs looked_at: an array of (customers, d) server numbers.")
    if needed and looked_at is not None and not (looked_at.min() >= 0 and looked_at.max() < servers):
        raise ValueError(f"looked_at names servers outside 0 to {servers - 1}.")
    looks = np.zeros((len(arrivals), 0), np.int32) if looked_at is None else looked_at.astype(np.int32, copy=False)
    departures, chosen = np.empty_like(arrivals), np.empty(len(arrivals), np.int32)
    pace = np.ones(servers) if speeds is None else np.asarray(speeds, np.float64)
    refresh = round(refresh_s * NS)
    if refresh < 0:
        raise ValueError(f"Numbers cannot be refreshed every {refresh_s} s; give 0 or more.")
    kind = POLICIES.index(policy)
    balancer.balance(arrivals, works, pace, kind, np.ascontiguousarray(looks), refresh, departures, chosen)
    return Balanced(chosen, departures)


def look_at(luck: np.random.Generator, customers: int, servers: int, choices: int) -> NDArray[np.int32]:
    """Which servers each customer looks at: `choices` different ones, uniformly."""
    import numpy as np

    if not 1 <= choices <= servers:
        raise ValueError(f"Cannot look at {choices} different ones of {servers} servers.")
    looks = np.empty((customers, choices), np.int32)
    for d in range(choices):
        # The d-th is drawn from those that are left, and skips the ones taken, in ascending order.
        pick = luck.integers(0, servers - d, customers, dtype=np.int32)
        for taken in np.sort(looks[:, :d], axis=1).T:
            pick += pick >= taken
        looks[:, d] = pick
    return looks


@dataclass(frozen=True)
class Travelled:
    """What a network did: departures (ns) per customer; per station utilisation, mean time (s) and mean number there
    up to the last departure; the largest number of customers on the way at once."""

    departures_ns: Times
    utilisation: list[float]
    mean_sojourn_s: list[float]
    mean_inside: list[float]
    most_inside: int


def network(arrivals_ns: ArrayLike, routes: ArrayLike, works_ns: ArrayLike, workers: list[int]) -> Travelled:
    """Send customers through an open network of G/G/k FIFO stations.

    Args:
        routes: (customers, visits) station numbers in order; -1 is the way out.
        works_ns: (customers, visits) nanoseconds of work at each.
        workers: of each station.

    Raises:
        ValueError: an argument does not fit.
    """
    import numpy as np

    from windtunnel.sim.compiled.kernels import network as kernel

    arrivals = _moments(arrivals_ns)
    route = np.ascontiguousarray(routes, np.int32)
    works = np.ascontiguousarray(works_ns, np.int64)
    if route.ndim != 2 or route.shape != works.shape or len(route) != len(arrivals):
        raise ValueError("Routes and works need the same shape (customers, visits), one row an arrival.")
    if not workers or min(workers) < 1:
        raise ValueError("Every station needs at least 1 worker.")
    if route.size and (route.min() < -1 or route.max() >= len(workers)):
        raise ValueError(f"Routes name stations outside 0 to {len(workers) - 1} (-1 is the way out).")
    if works.size and works.min() < 0:
        raise ValueError("Works must be 0 or more.")
    departures = np.empty_like(arrivals)
    counts, busy, sojourns = np.zeros((3, len(workers)), np.int64)
    most = kernel.network(arrivals, route, works, np.asarray(workers, np.int64), departures, counts, busy, sojourns)
    passed = max(1, int(departures.max())) if len(departures) else 1
    visits = np.maximum(1, counts)
    return Travelled(
        departures,
        [float(b / passed / k) for b, k in zip(busy, workers, strict=True)],
        [float(t) / NS for t in sojourns / visits],
        [float(t) / passed for t in sojourns],
        int(most),
    )


@dataclass(frozen=True)
class Streamed:
    """Statistics of a station over a long run."""

    customers: int
    mean_sojourn_s: float
    mean_wait_s: float
    largest_s: float
    _counts: Times

    def quantile_s(self, quantile: float) -> float:
        """Quantile of the sojourn, to within 3 % (the histogram's step); the upper end of its bucket."""
        import numpy as np

        if not 0 <= quantile <= 1:
            raise ValueError(f"A quantile lies in [0, 1]; got {quantile}.")
        at = int(np.searchsorted(np.cumsum(self._counts), max(1, np.ceil(quantile * self.customers))))
        power = max(0, (at >> 5) - 1)
        return min(self.largest_s, ((((at & 31) | 32 if at >= 32 else at) + 1 << power) - 1) / NS)


def stream_station(
    seed: int,
    arrival_rate: float,
    mean_service_s: float,
    customers: int,
    *,
    workers: int = 1,
    service_cv: float = 1.0,
    warm_up: int = 0,
) -> Streamed:
    """Poisson arrivals at a FIFO station, drawn as they come: memory does not grow with the run.

    Args:
        customers: those counted; `warm_up` more come before them.
        service_cv: 1 exponential, 0 constant, anything else lognormal with this coefficient of variation.
    """
    import numpy as np

    from windtunnel.sim.compiled.kernels import stations

    if arrival_rate <= 0 or mean_service_s <= 0 or customers < 1 or workers < 1 or warm_up < 0 or service_cv < 0:
        raise ValueError("Needs a rate, a service time, customers and workers above 0, warm_up and service_cv from 0.")
    counts = np.zeros(stations.BUCKETS, np.int64)
    counts[0] = customers
    spread = -1.0 if service_cv == 1 else sqrt(log(1 + service_cv**2))
    luck, free = generator(seed, "stream"), np.zeros(workers, np.int64)
    total, waited, largest = stations.stream_mgk(
        luck, NS / arrival_rate, mean_service_s * NS, spread, free, warm_up, counts
    )
    return Streamed(customers, total / customers / NS, waited / customers / NS, largest / NS, counts)


def _moments(arrivals_ns: ArrayLike) -> Times:
    import numpy as np

    arrivals = np.ascontiguousarray(arrivals_ns, np.int64)
    if arrivals.ndim != 1:
        raise ValueError("Arrivals are one array of moments.")
    if len(arrivals) and (arrivals[0] < 0 or np.any(arrivals[1:] < arrivals[:-1])):
        raise ValueError("Arrivals need to be in order, from 0 on.")
    return arrivals


def _streams(arrivals_ns: ArrayLike, works_ns: ArrayLike) -> tuple[Times, Times]:
    import numpy as np

    arrivals, works = _moments(arrivals_ns), np.ascontiguousarray(works_ns, np.int64)
    if works.shape != arrivals.shape:
        raise ValueError(f"Needs one work an arrival; got {len(arrivals)} arrivals and {works.size} works.")
    if len(works) and works.min() < 0:
        raise ValueError("Works must be 0 or more.")
    return arrivals, works
