"""An open network of G/G/k FIFO stations, compiled: each customer follows a route of its own.

The event that matters is an arrival at a station; the departure from it is then known, and is the arrival at the next
one. So the heap holds one entry for each customer on the way, and nothing else.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from windtunnel.sim.compiled.kernels.heap import pop_pair, push_pair, replace_first, replace_pair

Ints = NDArray[np.int64]
Int32s = NDArray[np.int32]


@njit(cache=True)
def network(
    arrivals: Ints,
    routes: Int32s,
    works: Ints,
    workers: Ints,
    departures: Ints,
    counts: Ints,
    busy: Ints,
    sojourns: Ints,
) -> int:
    """Fill `departures`; returns the largest number of customers in the network at once.

    Args:
        routes: (customers, visits) stations in order; -1 is the way out.
        works: (customers, visits) nanoseconds of work at each.
        workers: of each station.
        departures: when each customer leaves the network.
        counts: customers who came to each station, added to.
        busy: work done at each station, added to.
        sojourns: time spent at each station by all customers, added to.
    """
    stations = len(workers)
    customers, visits = routes.shape
    most = 0
    for s in range(stations):
        most = max(most, workers[s])
    free = np.zeros(stations * most, np.int64)
    # Room for all at once: what is not used is never touched, and an array that never changes is not counted.
    keys = np.empty(customers + 1, np.int64)
    values = np.empty(customers + 1, np.int64)
    visit = np.zeros(customers, np.int32)
    size = 0
    largest = 0
    coming = 0
    while coming < customers or size > 0:
        inside = size > 0 and (coming == customers or keys[0] <= arrivals[coming])
        if inside:
            now = keys[0]
            who = values[0]
        else:
            now = arrivals[coming]
            who = np.int64(coming)
            coming += 1
        at = visit[who]
        station = -1 if at == visits else routes[who, at]
        if station < 0:
            departures[who] = now
            if inside:
                pop_pair(keys, values, size)
                size -= 1
            continue
        work = works[who, at]
        visit[who] = at + 1
        first = station * most
        done = max(free[first], now) + work
        if workers[station] == 1:
            free[first] = done
        else:
            replace_first(free, first, workers[station], done)
        counts[station] += 1
        busy[station] += work
        sojourns[station] += done - now
        if inside:  # it stays in the heap, at a later place
            replace_pair(keys, values, size, done, who)
        else:
            push_pair(keys, values, size, done, who)
            size += 1
            largest = max(largest, size)
    return largest


def warm() -> None:
    """Compile for the one signature there is."""
    one, works, route = np.ones(1, np.int64), np.ones((1, 1), np.int64), np.zeros((1, 1), np.int32)
    counts, busy, sojourns = np.zeros((3, 1), np.int64)
    network(one, route, works, one.copy(), one.copy(), counts, busy, sojourns)
