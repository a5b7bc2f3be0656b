"""One server, impatient clients that retry, and a trigger, compiled: for maps of metastable failures.

Every wait in this model is constant (the time limit, the pause before a retry), so what is to come stands in plain
queues, each in order; no heap is needed. An attempt is a row; a request has up to `retries + 1` of them. The
reference is the same model made of light processes and a `Server`: `windtunnel.parts.by_events`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit
from numpy.typing import NDArray

Part = TypeVar("Part", bound=Callable[..., Any])
Ints = NDArray[np.int64]
Int32s = NDArray[np.int32]
NEVER = 1 << 62

_part: Callable[[Part], Part] = njit(_nrt=False)  # type: ignore[call-overload]  # it has this option, its stubs have not
"""Compiles a part of the kernel with it: a wrapper and a place in the cache of its own cost as much as the part."""

FIFO, LIFO, CODEL, REQUEST_CODEL, ADAPTIVE_LIFO = range(5)
"""Disciplines, as the classes of these names in `windtunnel.sim` and `windtunnel.parts` have them."""
OFFERED, ATTEMPTS, GOOD, FAILED, SERVED, REJECTED, DROPPED = range(7)
"""Columns of the tallies: requests that came, attempts made, requests answered in time, requests given up; attempts
served (for nobody, too), rejected, and dropped by the server."""
WAITS, HEARD, GAVE_UP = range(3)
"""What the client of an attempt does: it waits, it got an answer or a refusal, it waited too long."""
FINISH, CHANGE, TIME_LIMIT, RETRY, RETRY_REFUSED, ARRIVAL = range(6)
"""What can come next; at the same moment in this order."""
HEAD, TAIL, EMPTY, ABOVE, NEXT, DROPPING, COUNT, LAST_COUNT, FALLEN = range(9)
"""The queue's state, in one array: its ends, the last moment at which it was empty, CoDel's variables (RFC 8289), and
how many rows were thrown out at this moment."""


@njit(cache=True)
def retry_storm(
    arrivals: Ints,
    works: Ints,
    changes: Ints,
    paces: NDArray[np.float64],
    limit: int,
    retries: int,
    pause: int,
    budget: float,
    most_tokens: float,
    discipline: int,
    queue_limit: int,
    drops_late: bool,
    target: int,
    interval: int,
    until: int,
    bucket: int,
    tallies: Ints,
) -> int:
    """Add to `tallies` (a row a bucket of time) up to the moment `until`; returns the attempts left in the server.

    Args:
        works: nanoseconds of work of each request, the same for each of its attempts.
        changes, paces: when the server's speed changes, in order, and to what.
        limit: a client waits so long for an attempt, then makes the next one after `pause`.
        budget: tokens that each request adds to the clients' common bucket, which holds `most_tokens` and is full at
            first; a retry takes one. Negative: retries are free.
        queue_limit: places to wait; negative is no limit.
        drops_late: the server drops attempts whose client has given up, before any work.
        target, interval: of CoDel and its like.
    """
    requests = len(arrivals)
    rows = requests * (retries + 1)
    request_of = np.empty(rows, np.int32)
    began = np.empty(rows, np.int64)
    state = np.zeros(rows, np.int8)
    tried = np.zeros(requests, np.int32)
    queue = np.empty(rows, np.int32)
    q = np.zeros(9, np.int64)
    q[ABOVE] = NEVER
    dropped = np.empty(rows, np.int32)
    # Those who pause before a retry: after a time limit (rows), and after a refusal (requests, with the moment).
    late = np.empty(rows, np.int32)
    late_head, late_tail = 0, 0
    refused = np.empty(rows, np.int32)
    refused_at = np.empty(rows, np.int64)
    refused_head, refused_tail = 0, 0
    attempts, watched, coming, change = 0, 0, 0, 0
    serving, done, since, left, pace = -1, NEVER, 0, 0.0, 1.0
    tokens = most_tokens
    while True:
        # --- what comes next ---
        now, kind = done, FINISH
        if change < len(changes) and changes[change] < now:
            now, kind = changes[change], CHANGE
        while watched < attempts and state[watched] == HEARD:
            watched += 1
        if watched < attempts and began[watched] + limit < now:
            now, kind = began[watched] + limit, TIME_LIMIT
        if late_head < late_tail and began[late[late_head]] + limit + pause < now:
            now, kind = began[late[late_head]] + limit + pause, RETRY
        if refused_head < refused_tail and refused_at[refused_head] + pause < now:
            now, kind = refused_at[refused_head] + pause, RETRY_REFUSED
        if coming < requests and arrivals[coming] < now:
            now, kind = arrivals[coming], ARRIVAL
        if now > until:
            break
        tally = tallies[now // bucket]
        asker = -1
        q[FALLEN] = 0
        if kind == FINISH:
            tally[SERVED] += 1
            if state[serving] == WAITS and now < began[serving] + limit:
                state[serving] = HEARD
                tally[GOOD] += 1
            serving, done = -1, NEVER
            while serving < 0:
                row = _pop(discipline, q, queue, began, dropped, now, target, interval)
                if row < 0:
                    break
                if drops_late and now >= began[row] + limit:
                    _drop(q, dropped, row)
                else:
                    serving, since, left = row, now, float(works[request_of[row]])
                    done = _end(now, left, pace)
        elif kind == CHANGE:
            if serving >= 0:
                left = max(0.0, left - (now - since) * pace)
                since, done = now, _end(now, left, paces[change])
            pace = paces[change]
            change += 1
        elif kind == TIME_LIMIT:
            state[watched] = GAVE_UP
            if tried[request_of[watched]] > retries:
                tally[FAILED] += 1
            elif pause > 0:
                late[late_tail] = watched
                late_tail += 1
            else:
                asker = request_of[watched]
            watched += 1
        elif kind == RETRY:
            asker = request_of[late[late_head]]
            late_head += 1
        elif kind == RETRY_REFUSED:
            asker = refused[refused_head]
            refused_head += 1
        else:
            asker = coming
            coming += 1
            tally[OFFERED] += 1
            if budget >= 0:
                tokens = min(most_tokens, tokens + budget)
        # --- attempts at this very moment: of the one that asks, then of those who were thrown out and ask again ---
        told = 0
        while asker >= 0 or told < q[FALLEN]:
            refusal = -1
            if asker < 0:
                row = dropped[told]
                told += 1
                tally[DROPPED] += 1
                if state[row] == WAITS:
                    state[row] = HEARD
                    refusal = request_of[row]
            else:
                who, asker = asker, -1
                if tried[who] > 0 and budget >= 0:
                    if tokens < 1.0 - 1e-9:  # as the library's `Budget`: ten tenths make a whole
                        tally[FAILED] += 1
                        continue
                    tokens -= 1.0
                tried[who] += 1
                tally[ATTEMPTS] += 1
                if queue_limit >= 0 and serving >= 0 and q[TAIL] - q[HEAD] >= queue_limit:
                    tally[REJECTED] += 1
                    refusal = who
                else:
                    request_of[attempts] = who
                    began[attempts] = now
                    if serving < 0:
                        serving, since, left = attempts, now, float(works[who])
                        done = _end(now, left, pace)
                    else:
                        if q[HEAD] == q[TAIL]:
                            q[EMPTY] = now
                        queue[q[TAIL]] = attempts
                        q[TAIL] += 1
                    attempts += 1
            if refusal >= 0:
                if tried[refusal] > retries:
                    tally[FAILED] += 1
                elif pause > 0:
                    refused[refused_tail] = refusal
                    refused_at[refused_tail] = now
                    refused_tail += 1
                else:
                    asker = refusal
    return int(q[TAIL] - q[HEAD]) + (1 if serving >= 0 else 0)


@_part
def _end(now: int, left: float, pace: float) -> int:
    """When work is done that begins, or goes on, now."""
    return now + int(np.rint(left / pace)) if pace > 0 else NEVER


@_part
def _drop(q: Ints, dropped: Int32s, row: int) -> None:
    dropped[q[FALLEN]] = row
    q[FALLEN] += 1


@_part
def _pop(
    discipline: int, q: Ints, queue: Int32s, began: Ints, dropped: Int32s, now: int, target: int, interval: int
) -> int:
    """The next attempt to serve, -1 where there is none; the same as `pop` of the class of that name."""
    if discipline == CODEL:
        return _codel_pop(q, queue, began, dropped, now, target, interval)
    standing = now - q[EMPTY] > interval
    while q[HEAD] < q[TAIL]:
        if discipline == LIFO or (discipline == ADAPTIVE_LIFO and standing):
            q[TAIL] -= 1
            return int(queue[q[TAIL]])
        row = int(queue[q[HEAD]])
        q[HEAD] += 1
        if discipline == REQUEST_CODEL and now - began[row] > (target if standing else interval):
            _drop(q, dropped, row)
        else:
            return row
    return -1


@_part
def _codel_pop(q: Ints, queue: Int32s, began: Ints, dropped: Int32s, now: int, target: int, interval: int) -> int:
    row, may_drop = _codel_next(q, queue, began, now, target, interval)
    if q[DROPPING]:
        if not may_drop:
            q[DROPPING] = 0
        while q[DROPPING] and now >= q[NEXT]:
            _drop(q, dropped, row)
            q[COUNT] += 1
            row, may_drop = _codel_next(q, queue, began, now, target, interval)
            if may_drop:
                q[NEXT] += int(np.rint(interval / np.sqrt(q[COUNT])))
            else:
                q[DROPPING] = 0
    elif may_drop:
        _drop(q, dropped, row)
        row, may_drop = _codel_next(q, queue, began, now, target, interval)
        q[DROPPING] = 1
        drops = q[COUNT] - q[LAST_COUNT]
        q[COUNT] = drops if drops > 1 and now - q[NEXT] < 16 * interval else 1
        q[NEXT] = now + int(np.rint(interval / np.sqrt(q[COUNT])))
        q[LAST_COUNT] = q[COUNT]
    return row


@_part
def _codel_next(q: Ints, queue: Int32s, began: Ints, now: int, target: int, interval: int) -> tuple[int, bool]:
    row = -1
    if q[HEAD] < q[TAIL]:
        row = int(queue[q[HEAD]])
        q[HEAD] += 1
    if row < 0 or now - began[row] < target or q[HEAD] == q[TAIL]:
        q[ABOVE] = NEVER
        return row, False
    if q[ABOVE] == NEVER:
        q[ABOVE] = now + interval
        return row, False
    return row, now >= q[ABOVE]


def warm() -> None:
    """Compile for the one signature there is."""
    one = np.ones(1, np.int64)
    for discipline in range(5):
        tallies = np.zeros((2, 7), np.int64)
        retry_storm(one, one, one, np.ones(1), 5, 1, 0, -1.0, 1.0, discipline, -1, True, 1, 2, 10, 10, tallies)
