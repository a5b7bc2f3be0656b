"""An open network of G/G/k FIFO stations, compiled: each customer follows a route of its own.

The event that matters is an arrival at a station; the departure from it is then known, and is the arrival at the next
one. So the heap holds one entry for each customer on the way, and nothing else.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from windtunnel.sim.kernels.heap import pop_pair, push_pair, replace_top

Ints = NDArray[np.int64]
Int32s = NDArray[np.int32]


@njit(cache=True)
def network(
    arrivals: Ints, routes: Int32s, works: Ints, workers: Ints, departures: Ints, busy: Ints, sojourns: Ints
) -> int:
    """Fill ``departures``; returns the largest number of customers in the network at once.

    Args:
        routes: (customers, visits) stations in order; -1 is the way out.
        works: (customers, visits) nanoseconds of work at each.
        workers: of each station.
        departures: when each customer leaves the network.
        busy: work done at each station, added to.
        sojourns: time spent at each station by all customers, added to.
    """
    stations = len(workers)
    most = 0
    for s in range(stations):
        most = max(most, workers[s])
    free = np.zeros((stations, most), np.int64)
    keys = np.empty(1024, np.int64)
    values = np.empty(1024, np.int64)
    visit = np.zeros(len(arrivals), np.int32)
    size = 0
    largest = 0
    coming = 0
    customers = len(arrivals)
    while coming < customers or size > 0:
        if size > 0 and (coming == customers or keys[0] <= arrivals[coming]):
            now = keys[0]
            who = values[0]
            pop_pair(keys, values, size)
            size -= 1
        else:
            now = arrivals[coming]
            who = np.int64(coming)
            coming += 1
        at = visit[who]
        station = -1 if at == routes.shape[1] else routes[who, at]
        if station < 0:
            departures[who] = now
            continue
        work = works[who, at]
        visit[who] = at + 1
        row = free[station]
        done = max(row[0], now) + work
        if workers[station] == 1:
            row[0] = done
        else:
            replace_top(row, workers[station], done)
        busy[station] += work
        sojourns[station] += done - now
        if size == len(keys):
            more_keys = np.empty(2 * size, np.int64)
            more_values = np.empty(2 * size, np.int64)
            more_keys[:size] = keys
            more_values[:size] = values
            keys = more_keys
            values = more_values
        push_pair(keys, values, size, done, who)
        size += 1
        largest = max(largest, size)
    return largest


def warm() -> None:
    """Compile for the one signature there is."""
    one, two = np.ones(1, np.int64), np.ones((1, 1), np.int64)
    network(one, np.zeros((1, 1), np.int32), two, one.copy(), one.copy(), np.zeros(1, np.int64), np.zeros(1, np.int64))
