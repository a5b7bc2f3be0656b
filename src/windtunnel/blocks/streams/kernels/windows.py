"""Kernels of `windows_batch`: event-time panes over arrays.

A pane is the share of one key in one span of time. Panes stand in `rows` in the order in which they were first seen,
eight cells each, a cache line; `rows` and `bits` are the same memory, as float64 and as int64. `index` finds
them, as Python's own dictionaries do: an open-addressed table (linear probing, a power of two of slots) of entries that
have 32 bits of the hash above and the number of the row plus 1 below, 0 where free. So what is small is what is jumped
around in, and giving out and forgetting run through memory in order.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KEY, SPAN, COUNT, SUM, LEAST, GREATEST, CHANGED, RESULTS = range(8)
"""Cells of a row. CHANGED: since the pane was last given out (0 or 1); RESULTS: how often it was. Both, KEY, SPAN and
COUNT are integers (`bits`)."""
COLUMNS = 8

TAG = np.int64(-(2**32))
"""The bits of an index entry that come from the hash."""


@njit(cache=True, inline="always")
def _hash(key: np.int64, span: np.int64) -> np.uint64:
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(span) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return mixed ^ (mixed >> np.uint64(32))


@njit(cache=True)
def add(
    bits: Ints,
    rows: Floats,
    index: Ints,
    used: int,
    keys: Ints,
    times_ms: Ints,
    values: Floats,
    start: int,
    size_ms: int,
    offset_ms: int,
    newest_ms: int,
    delay_ms: int,
    grace_ms: int,
    late: NDArray[np.bool_],
) -> tuple[int, int, int]:
    """Count the events from `start` on; returns how far it came, rows used, the newest time.

    An event is late if the watermark before it (`newest - delay - 1`) has passed its pane's end by `grace_ms`.
    Stops in front of an event for which there is no row left.
    """
    mask = index.shape[0] - 1
    span, begin, end = np.int64(0), np.int64(0), np.int64(-1)  # consecutive events mostly share a span
    for i in range(start, keys.shape[0]):
        time = times_ms[i]
        if not begin <= time < end:
            span = (time - offset_ms) // size_ms
            begin = span * size_ms + offset_ms
            end = begin + size_ms
        if end - 1 + grace_ms <= newest_ms - delay_ms - 1:
            late[i] = True
            newest_ms = max(newest_ms, time)
            continue
        late[i] = False
        key, value = keys[i], values[i]
        mixed = _hash(key, span)
        at = np.int64(mixed) & mask
        tag = np.int64(mixed) & TAG
        row = np.int64(-1)
        while index[at] != 0:
            if index[at] & TAG == tag:
                candidate = (index[at] & ~TAG) - 1
                if bits[candidate, KEY] == key and bits[candidate, SPAN] == span:
                    row = candidate
                    break
            at = (at + 1) & mask
        if row >= 0:
            bits[row, COUNT] += 1
            rows[row, SUM] += value
            if value < rows[row, LEAST] or value != value:  # NaN stays, whatever the order
                rows[row, LEAST] = value
            if value > rows[row, GREATEST] or value != value:
                rows[row, GREATEST] = value
            bits[row, CHANGED] = 1
        else:
            if used >= rows.shape[0]:
                return i, used, newest_ms
            index[at] = tag | (used + 1)
            bits[used, KEY] = key
            bits[used, SPAN] = span
            bits[used, COUNT] = 1
            rows[used, SUM] = value
            rows[used, LEAST] = value
            rows[used, GREATEST] = value
            bits[used, CHANGED] = 1
            bits[used, RESULTS] = 0
            used += 1
        newest_ms = max(newest_ms, time)
    return keys.shape[0], used, newest_ms


@njit(cache=True)
def keep(bits: Ints, index: Ints, used: int, least_span: int) -> int:
    """Forget the panes before `least_span`, close the gaps, and fill `index`, which is empty; returns rows used."""
    mask = index.shape[0] - 1
    kept = 0
    for row in range(used):
        if bits[row, SPAN] < least_span:
            continue
        if kept != row:
            for cell in range(COLUMNS):
                bits[kept, cell] = bits[row, cell]
        mixed = _hash(bits[kept, KEY], bits[kept, SPAN])
        at = np.int64(mixed) & mask
        while index[at] != 0:
            at = (at + 1) & mask
        kept += 1
        index[at] = (np.int64(mixed) & TAG) | kept
    return kept


@njit(cache=True)
def count_complete(bits: Ints, used: int, below_span: int) -> int:
    """How many panes have changed and lie below a span."""
    found = 0
    for row in range(used):
        found += bits[row, CHANGED] != 0 and bits[row, SPAN] < below_span
    return found


@njit(cache=True)
def give_out(
    bits: Ints,
    rows: Floats,
    used: int,
    below_span: int,
    size_ms: int,
    offset_ms: int,
    keys: Ints,
    start_ms: Ints,
    count: Ints,
    sums: Floats,
    least: Floats,
    greatest: Floats,
    revision: Ints,
) -> None:
    """Copy these panes into columns and mark them as given out."""
    found = 0
    for row in range(used):
        if bits[row, CHANGED] != 0 and bits[row, SPAN] < below_span:
            keys[found] = bits[row, KEY]
            start_ms[found] = bits[row, SPAN] * size_ms + offset_ms
            count[found] = bits[row, COUNT]
            sums[found] = rows[row, SUM]
            least[found] = rows[row, LEAST]
            greatest[found] = rows[row, GREATEST]
            revision[found] = bits[row, RESULTS]
            bits[row, CHANGED] = 0
            bits[row, RESULTS] += 1
            found += 1


def warm() -> None:
    """Compile each kernel for the types it is used with."""
    rows, index, ints, floats = np.zeros((4, COLUMNS)), np.zeros(8, np.int64), np.arange(3), np.zeros(3)
    bits = rows.view(np.int64)
    add(bits, rows, index, 0, ints, ints, floats, 0, 10, 0, -100, 0, 0, np.empty(3, np.bool_))
    count_complete(bits, 3, 100)
    give_out(bits, rows, 3, 100, 10, 0, ints.copy(), ints.copy(), ints.copy(), floats, floats, floats, ints.copy())
    keep(bits, np.zeros(8, np.int64), 3, -100)
