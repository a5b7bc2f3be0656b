"""A balancer in front of n FIFO servers, compiled: who is sent where, and when each customer leaves.

Each server's customers hang on a chain in order of departure, so the number inside is known at any moment for the cost
of one step per customer over the whole run. Luck comes from outside, as an array of the servers that each customer
looked at: the event simulator on the same arrays gives the same integers.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Int32s = NDArray[np.int32]

GIVEN, ROUND_ROBIN, FEWEST, FEWEST_OF, LEAST_WORK, IDLE_FIRST = range(6)
"""Policies: the first server looked at; in turn; fewest customers of all, or of those looked at; least work left; any
idle server, else the first looked at. Ties go to the lowest number, or to the first looked at."""


@njit(cache=True)
def balance(
    arrivals: Ints,
    works: Ints,
    speeds: NDArray[np.float64],
    policy: int,
    looked_at: Int32s,
    refresh: int,
    departures: Ints,
    chosen: Int32s,
) -> None:
    """Fill `departures` and `chosen`, one for each arrival.

    Args:
        speeds: one a server; a work takes `rint(work / speed)`.
        looked_at: (arrivals, d) servers for the policies that look at some; (arrivals, 0) for the others.
        refresh: the balancer sees numbers that are refreshed every so many nanoseconds; 0 sees them as they are.
    """
    servers = len(speeds)
    free = np.zeros(servers, np.int64)
    inside = np.zeros(servers, np.int64)
    head = np.full(servers, -1, np.int32)
    tail = np.full(servers, -1, np.int32)
    after = np.full(len(arrivals), -1, np.int32)
    seen = np.zeros(servers, np.int64)
    seen_until = np.int64(0)
    turn = 0
    everyone = policy in (FEWEST, IDLE_FIRST)
    for i in range(len(arrivals)):
        now = arrivals[i]
        if refresh > 0 and now >= seen_until:
            # What the board shows was written at the last multiple of `refresh`: departures until then count.
            board = now // refresh * refresh
            for s in range(servers):
                while head[s] >= 0 and departures[head[s]] <= board:
                    head[s] = after[head[s]]
                    inside[s] -= 1
                seen[s] = max(np.int64(0), free[s] - board) if policy == LEAST_WORK else inside[s]
            seen_until = board + refresh
        best = 0
        if policy == ROUND_ROBIN:
            best = turn
            turn = turn + 1 if turn + 1 < servers else 0
        elif policy == GIVEN:
            best = looked_at[i, 0]
        elif policy == LEAST_WORK:
            least = np.int64(1) << 62
            for s in range(servers):
                left = seen[s] if refresh > 0 else max(np.int64(0), free[s] - now)
                if left < least:
                    least = left
                    best = s
        else:
            width = servers if everyone else looked_at.shape[1]
            fewest = np.int64(1) << 62
            for j in range(width):
                s = j if everyone else looked_at[i, j]
                if refresh > 0:
                    count = seen[s]
                else:
                    while head[s] >= 0 and departures[head[s]] <= now:
                        head[s] = after[head[s]]
                        inside[s] -= 1
                    count = inside[s]
                if count < fewest:
                    fewest = count
                    best = s
                    if count == 0:
                        break
            if policy == IDLE_FIRST and fewest > 0:
                best = looked_at[i, 0]
        work = works[i]
        if speeds[best] != 1.0:
            work = np.int64(np.rint(work / speeds[best]))
        free[best] = done = max(free[best], now) + work
        departures[i] = done
        chosen[i] = best
        # Departures of one FIFO server are in order, so the chain is too.
        if head[best] < 0:
            head[best] = i
        else:
            after[tail[best]] = i
        tail[best] = i
        inside[best] += 1


def warm() -> None:
    """Compile for the one signature there is."""
    one = np.ones(1, np.int64)
    balance(one, one, np.ones(1), ROUND_ROBIN, np.zeros((1, 0), np.int32), 0, one.copy(), np.zeros(1, np.int32))
