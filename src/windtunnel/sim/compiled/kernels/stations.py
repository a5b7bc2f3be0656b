"""G/G/k stations, compiled: the departures of a FIFO server, from arrays or from a generator of luck.

The plain references are `windtunnel.sim.servers.fifo.FifoServer` and `KERNEL.py_func`.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from windtunnel.sim.compiled.kernels.heap import replace_top

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@njit(cache=True)
def fifo(arrivals: Ints, works: Ints, free: Ints, departures: Ints) -> None:
    """Departures in the order of arrival; `free` is a heap of when each worker gets free, and is carried on."""
    if len(free) == 1:
        done = free[0]
        for i in range(len(arrivals)):
            done = max(done, arrivals[i]) + works[i]
            departures[i] = done
        free[0] = done
        return
    for i in range(len(arrivals)):
        done = max(free[0], arrivals[i]) + works[i]
        departures[i] = done
        replace_top(free, len(free), done)


@njit(cache=True)
def stream_mgk(
    luck: np.random.Generator, gap: float, mean: float, spread: float, free: Ints, skip: int, counts: Ints
) -> tuple[float, float, int]:
    """Poisson arrivals at a station, drawn as they come: no array as long as the run.

    Service times are exponential (`spread` < 0), constant (0) or lognormal with the `mean` and this `spread` (the
    standard deviation of the logarithm). The first `skip` customers are not counted. `counts` is the histogram of
    sojourns that `bucket` speaks of. Returns the sum of sojourns, the sum of waits and the largest
    sojourn, in nanoseconds.
    """
    now = np.int64(0)
    total = 0.0
    waited = 0.0
    largest = 0
    customers = skip + counts[0]
    counts[0] = 0
    shift = np.log(mean) - spread * spread / 2
    for i in range(customers):
        now += np.int64(np.rint(luck.standard_exponential() * gap))
        if spread < 0:
            work = np.int64(np.rint(luck.standard_exponential() * mean))
        elif spread == 0:
            work = np.int64(mean)
        else:
            work = np.int64(np.rint(np.exp(shift + spread * luck.standard_normal())))
        start = max(free[0], now)
        if len(free) == 1:
            free[0] = start + work
        else:
            replace_top(free, len(free), start + work)
        if i >= skip:
            sojourn = start + work - now
            total += sojourn
            waited += start - now
            largest = max(largest, sojourn)
            counts[bucket(sojourn)] += 1
    return total, waited, largest


FINE = 5
"""Bits of a value after its leading one that a bucket distinguishes: steps of at most 1/32, 3 %."""
BUCKETS = (64 - FINE) << FINE


@njit(cache=True)
def bucket(value: int) -> int:
    """Bucket of a whole number >= 0, as in an HDR histogram: exact below 32, within 3 % above."""
    if value < (1 << FINE):
        return value
    power = 0
    rest = value >> (FINE + 1)
    while rest:
        power += 1
        rest >>= 1
    return ((power + 1) << FINE) + (value >> power) - (1 << FINE)


def warm() -> None:
    """Compile for the signatures in use."""
    one = np.ones(2, np.int64)
    for workers in (1, 2):
        fifo(one, one, np.zeros(workers, np.int64), one.copy())
    bucket(5)
    counts = np.zeros(BUCKETS, np.int64)
    counts[0] = 2
    stream_mgk(np.random.default_rng(0), 10.0, 5.0, -1.0, np.zeros(1, np.int64), 1, counts)
