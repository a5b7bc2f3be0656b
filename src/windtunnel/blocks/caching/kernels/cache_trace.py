"""Cache policies over a trace of dense ids: the classes of `cache_policies` and its neighbours, in arrays.

Every queue is a circular list through `newer` and `older`: a queue has a sentinel after the ids, whose `newer` is
the oldest and whose `older` is the newest entry. An id is in at most one queue, so all queues share the two arrays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from windtunnel.blocks.caching.cache_s3_fifo import MOST_USES, USES_TO_STAY, queue_sizes
from windtunnel.blocks.caching.cache_tiny_lfu import (
    MOST_USES as MOST_COUNTED,
    MULTIPLIERS,
    ROWS,
    SAMPLE,
    segment_sizes,
    sketch_bits,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]

_MULTIPLIERS = np.array(MULTIPLIERS, np.uint64)
OUT, ONE, TWO, THREE = range(4)  # which queue an id is in


class Queues(NamedTuple):
    """Circular lists, a sentinel each; `size[k]` counts the ids in queue `k`."""

    newer: NDArray[np.int64]
    older: NDArray[np.int64]
    size: NDArray[np.int64]


@njit(cache=True)
def no_queues(ids: int, queues: int) -> Queues:
    """So many empty queues; the sentinel of queue `k` is `ids + k`."""
    links = np.arange(ids + queues)
    return Queues(links, links.copy(), np.zeros(queues, np.int64))


@njit(cache=True, inline="always")
def push(q: Queues, ids: int, queue: int, entry: int) -> None:
    """Put the entry at the new end of a queue."""
    sentinel = ids + queue
    last = q.older[sentinel]
    q.newer[last], q.older[entry] = entry, last
    q.newer[entry], q.older[sentinel] = sentinel, entry
    q.size[queue] += 1


@njit(cache=True, inline="always")
def unlink(q: Queues, queue: int, entry: int) -> None:
    """Take the entry out of the queue it is in."""
    before, after = q.older[entry], q.newer[entry]
    q.newer[before], q.older[after] = after, before
    q.size[queue] -= 1


@njit(cache=True)
def fifo(trace: Ids, ids: int, capacity: int) -> int:
    """Misses of first in, first out: a ring of what is in."""
    cached, ring = np.zeros(ids, np.bool_), np.full(capacity, -1)
    misses = 0
    for x in trace:
        if not cached[x]:
            place = misses % capacity
            if ring[place] >= 0:
                cached[ring[place]] = False
            ring[place], cached[x] = x, True
            misses += 1
    return misses


@njit(cache=True)
def lru(trace: Ids, ids: int, capacity: int) -> int:
    """Misses of least recently used."""
    q, cached = no_queues(ids, 1), np.zeros(ids, np.bool_)
    misses = 0
    for x in trace:
        if cached[x]:
            unlink(q, 0, x)
        else:
            misses += 1
            if q.size[0] == capacity:
                gone = q.newer[ids]
                unlink(q, 0, gone)
                cached[gone] = False
            cached[x] = True
        push(q, ids, 0, x)
    return misses


@njit(cache=True)
def clock(trace: Ids, ids: int, capacity: int) -> int:
    """Misses of FIFO with a second chance: a ring with a hand, and -1, 0 or 1 for out, in, in and used."""
    state, ring = np.full(ids, -1, np.int8), np.full(capacity, -1)
    misses, hand = 0, 0
    for x in trace:
        if state[x] >= 0:
            state[x] = 1
            continue
        misses += 1
        while ring[hand] >= 0 and state[ring[hand]] == 1:
            state[ring[hand]] = 0
            hand = hand + 1 if hand + 1 < capacity else 0
        if ring[hand] >= 0:
            state[ring[hand]] = -1
        ring[hand], state[x] = x, 0
        hand = hand + 1 if hand + 1 < capacity else 0
    return misses


@njit(cache=True)
def lfu(trace: Ids, ids: int, capacity: int) -> int:
    """Misses of least frequently used, least recently used among equals: a queue for each number of uses."""
    asked = np.zeros(ids, np.int64)
    for x in trace:
        asked[x] += 1
    q, uses = no_queues(ids, asked.max() + 1 if ids else 1), np.zeros(ids, np.int64)
    misses, held, fewest = 0, 0, 1
    for x in trace:
        if uses[x] > 0:
            unlink(q, uses[x], x)
            if uses[x] == fewest and q.size[fewest] == 0:
                fewest += 1
        else:
            misses += 1
            if held == capacity:
                gone = q.newer[ids + fewest]
                unlink(q, fewest, gone)
                uses[gone] = 0
            else:
                held += 1
            fewest = 1
        uses[x] += 1
        push(q, ids, uses[x], x)
    return misses


@njit(cache=True)
def sieve(trace: Ids, ids: int, capacity: int) -> int:
    """Misses of SIEVE."""
    q, state, hand = no_queues(ids, 1), np.full(ids, -1, np.int8), ids
    misses = 0
    for x in trace:
        if state[x] >= 0:
            state[x] = 1
            continue
        misses += 1
        if q.size[0] == capacity:
            if hand == ids:
                hand = q.newer[ids]
            while state[hand] == 1:
                state[hand] = 0
                hand = q.newer[hand]
                if hand == ids:
                    hand = q.newer[ids]
            gone = hand
            hand = q.newer[gone]
            unlink(q, 0, gone)
            state[gone] = -1
        push(q, ids, 0, x)
        state[x] = 0
    return misses


@njit(cache=True)
def s3_fifo(trace: Ids, ids: int, capacity: int, small_size: int, main_size: int) -> int:
    """Misses of S3-FIFO."""
    small, main, ghost = ONE, TWO, THREE
    q, where, uses = no_queues(ids, 4), np.zeros(ids, np.int8), np.zeros(ids, np.int8)
    misses = 0
    for x in trace:
        if where[x] == small or where[x] == main:
            uses[x] = min(MOST_USES, uses[x] + 1)
            continue
        misses += 1
        if q.size[small] + q.size[main] == capacity:
            full = True
            while full and (q.size[small] >= small_size or q.size[main] == 0):
                key = q.newer[ids + small]
                unlink(q, small, key)
                if uses[key] < USES_TO_STAY:
                    if q.size[ghost] == main_size:
                        forgotten = q.newer[ids + ghost]
                        unlink(q, ghost, forgotten)
                        where[forgotten] = OUT
                    push(q, ids, ghost, key)
                    where[key] = ghost
                    full = False
                else:
                    uses[key] = 0
                    push(q, ids, main, key)
                    where[key] = main
                    if q.size[main] > main_size:
                        break
            while full:
                key = q.newer[ids + main]
                unlink(q, main, key)
                if uses[key] == 0:
                    where[key] = OUT
                    full = False
                else:
                    uses[key] -= 1
                    push(q, ids, main, key)
        if where[x] == ghost:
            unlink(q, ghost, x)
            where[x] = main
        else:
            where[x] = small
        push(q, ids, where[x], x)
        uses[x] = 0
    return misses


@njit(cache=True)
def w_tinylfu(
    trace: Ids,
    ids: int,
    window_size: int,
    main_size: int,
    protected_size: int,
    hashes: NDArray[np.uint64],
    bits: int,
    sample: int,
) -> int:
    """Misses of W-TinyLFU. `hashes` by id are those that the class would take."""
    window, probation, protected = ONE, TWO, THREE
    q, where = no_queues(ids, 4), np.zeros(ids, np.int8)
    counts, shift = np.zeros((ROWS, 1 << bits), np.uint8), np.uint64(64 - bits)
    misses, left = 0, sample
    for x in trace:
        for row in range(ROWS):
            place = (hashes[x] * _MULTIPLIERS[row]) >> shift
            if counts[row, place] < MOST_COUNTED:
                counts[row, place] += 1
        left -= 1
        if left == 0:
            left = sample
            for row in range(ROWS):
                for place in range(1 << bits):
                    counts[row, place] >>= 1
        segment = where[x]
        if segment in (window, protected):
            unlink(q, segment, x)
            push(q, ids, segment, x)
        elif segment == probation:
            unlink(q, probation, x)
            push(q, ids, protected, x)
            where[x] = protected
            if q.size[protected] > protected_size:
                demoted = q.newer[ids + protected]
                unlink(q, protected, demoted)
                push(q, ids, probation, demoted)
                where[demoted] = probation
        else:
            misses += 1
            push(q, ids, window, x)
            where[x] = window
            if q.size[window] <= window_size:
                continue
            candidate = q.newer[ids + window]
            unlink(q, window, candidate)
            where[candidate] = OUT
            if q.size[probation] + q.size[protected] >= main_size:
                if main_size == 0:
                    continue
                segment = probation if q.size[probation] > 0 else protected
                victim = q.newer[ids + segment]
                asked_candidate, asked_victim = MOST_COUNTED, MOST_COUNTED
                for row in range(ROWS):
                    place = (hashes[candidate] * _MULTIPLIERS[row]) >> shift
                    asked_candidate = min(asked_candidate, counts[row, place])
                    place = (hashes[victim] * _MULTIPLIERS[row]) >> shift
                    asked_victim = min(asked_victim, counts[row, place])
                if asked_candidate <= asked_victim:
                    continue
                unlink(q, segment, victim)
                where[victim] = OUT
            push(q, ids, probation, candidate)
            where[candidate] = probation
    return misses


@njit(cache=True)
def next_uses(trace: Ids, ids: int) -> Ids:
    """For each request the place of the next request of the same id, or the length of the trace if there is none."""
    after = np.empty(trace.size, np.int64)
    seen = np.full(ids, trace.size)
    for i in range(trace.size - 1, -1, -1):
        after[i] = seen[trace[i]]
        seen[trace[i]] = i
    return after


@njit(cache=True)
def belady(trace: Ids, ids: int, capacity: int) -> int:
    """Misses of the best there can be: send away whom nobody will ask for, else who is asked for last.

    Who is in stands as a bit at the place of its next use, in words of 64 with two levels above them that say which
    words are not zero; so the latest next use is found in a few steps, without a heap.
    """
    after = next_uses(trace, ids)
    words = trace.size // 64 + 1
    low = np.zeros(words, np.uint64)
    middle = np.zeros(words // 64 + 1, np.uint64)
    top = np.zeros(words // 4096 + 1, np.uint64)
    cached = np.zeros(ids, np.bool_)
    idle, idles = np.zeros(capacity, np.int64), 0  # in, but never asked for again
    misses, held, one, six = 0, 0, np.uint64(1), np.uint64(6)
    highest = np.int64(0)  # no word of top above this one has a bit
    for i in range(trace.size):
        x, place = trace[i], np.uint64(i)
        if cached[x]:
            low[place >> six] &= ~(one << (place & np.uint64(63)))
            if low[place >> six] == 0:
                word = place >> six
                middle[word >> six] &= ~(one << (word & np.uint64(63)))
                if middle[word >> six] == 0:
                    word >>= six
                    top[word >> six] &= ~(one << (word & np.uint64(63)))
        else:
            misses += 1
            if held < capacity:
                held += 1
            elif idles > 0:
                idles -= 1
                cached[idle[idles]] = False
            else:
                while top[highest] == 0:
                    highest -= 1
                word = np.uint64(highest)
                word = (word << six) | last_bit(top[word])
                group = word
                word = (word << six) | last_bit(middle[word])
                bit = last_bit(low[word])
                cached[trace[(word << six) | bit]] = False
                low[word] &= ~(one << bit)
                if low[word] == 0:
                    middle[group] &= ~(one << (word & np.uint64(63)))
                    if middle[group] == 0:
                        top[group >> six] &= ~(one << (group & np.uint64(63)))
            cached[x] = True
        if after[i] == trace.size:
            idle[idles] = x
            idles += 1
        else:
            word = np.uint64(after[i])
            low[word >> six] |= one << (word & np.uint64(63))
            word >>= six
            middle[word >> six] |= one << (word & np.uint64(63))
            word >>= six
            top[word >> six] |= one << (word & np.uint64(63))
            if np.int64(word >> six) > highest:
                highest = np.int64(word >> six)
    return misses


@njit(cache=True)
def last_bit(word: np.uint64) -> np.uint64:
    """The place of the highest bit that is set."""
    place = np.uint64(0)
    for step in (32, 16, 8, 4, 2, 1):
        if word >> np.uint64(step):
            word >>= np.uint64(step)
            place += np.uint64(step)
    return place


@njit(cache=True)
def stack_distances(trace: Ids, ids: int) -> Ids:
    """How many requests hit LRU caches of each size and not the next smaller: index 1 is a cache of one key.

    The distance of a request is the number of different ids since the last request of its own, itself included; a
    Fenwick tree over the trace marks each id at its last request (Mattson et al., 1970; Bennett and Kruskal, 1975).
    """
    n = trace.size
    tree = np.zeros(n + 1, np.int64)
    last = np.full(ids, -1)
    found = np.zeros(ids + 1, np.int64)
    different = 0
    for i in range(n):
        x = trace[i]
        if last[x] < 0:
            different += 1
        else:
            before, j = 0, last[x] + 1
            while j > 0:
                before += tree[j]
                j &= j - 1
            found[different - before + 1] += 1
            j = last[x] + 1
            while j <= n:
                tree[j] -= 1
                j += j & -j
        j = i + 1
        while j <= n:
            tree[j] += 1
            j += j & -j
        last[x] = i
    return found


def misses(policy: str, trace: Ids, ids: int, capacity: int, hashes: NDArray[np.uint64]) -> int:
    """Misses of one policy over ids below `ids`."""
    if policy == "s3-fifo":
        return int(s3_fifo(trace, ids, capacity, *queue_sizes(capacity)))
    if policy == "w-tinylfu":
        return int(w_tinylfu(trace, ids, *segment_sizes(capacity), hashes, sketch_bits(capacity), SAMPLE * capacity))
    simple = {"fifo": fifo, "lru": lru, "clock": clock, "lfu": lfu, "sieve": sieve, "belady": belady}
    return int(simple[policy](trace, ids, capacity))


def warm() -> None:
    """Compile every kernel for the types it is used with."""
    trace, hashes = np.array([0, 1, 2, 0, 1, 2, 0], np.int64), np.zeros(3, np.uint64)
    for policy in ("fifo", "lru", "clock", "lfu", "sieve", "s3-fifo", "w-tinylfu", "belady"):
        misses(policy, trace, 3, 2, hashes)
    stack_distances(trace, 3)
