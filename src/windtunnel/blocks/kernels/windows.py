"""Kernel of ``windows_batch``: event-time panes over arrays.

A pane is the share of one key in one span of ``pane_ms``. Panes live in an open-addressed table (linear probing, a
power of two of slots), a row of eight cells each: a cache line. ``table`` and ``bits`` are the same memory, as float64
and as int64. Cells: key (bits), number of the span (bits), count (0 where the slot is free), sum, least, greatest,
changed since it was last given out (0 or 1), number of results so far.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

KEY, SPAN, COUNT, SUM, LEAST, GREATEST, CHANGED, RESULTS = range(8)
COLUMNS = 8


@njit(cache=True, inline="always")
def _slot(bits: Ints, table: Floats, key: int, span: int, shift: int) -> np.int64:
    """The slot of this pane, or the free one where it belongs."""
    mask = table.shape[0] - 1
    mixed = np.uint64(key) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(span) * np.uint64(0xC2B2AE3D27D4EB4F)
    at = np.int64((mixed * np.uint64(0xD6E8FEB86659FD93)) >> np.uint64(shift))
    while table[at, COUNT] != 0.0 and (bits[at, KEY] != key or bits[at, SPAN] != span):
        at = (at + 1) & mask
    return at


@njit(cache=True, inline="always")
def _shift(slots: int) -> int:
    shift = 64
    while slots > 1:
        slots >>= 1
        shift -= 1
    return shift


@njit(cache=True)
def add(
    bits: Ints,
    table: Floats,
    used: int,
    keys: Ints,
    times_ms: Ints,
    values: Floats,
    start: int,
    pane_ms: int,
    offset_ms: int,
    newest_ms: int,
    delay_ms: int,
    grace_ms: int,
    late: NDArray[np.bool_],
) -> tuple[int, int, int]:
    """Count the events from ``start`` on; returns how far it came, slots used, the newest time.

    An event is late if the watermark before it (``newest - delay - 1``) has passed its pane's end by ``grace_ms``.
    Stops in front of an event that would fill the table beyond half.
    """
    shift = _shift(table.shape[0])
    half = table.shape[0] // 2
    for i in range(start, keys.shape[0]):
        time = times_ms[i]
        span = (time - offset_ms) // pane_ms
        end = (span + 1) * pane_ms + offset_ms
        if end - 1 + grace_ms <= newest_ms - delay_ms - 1:
            late[i] = True
        else:
            key, value = keys[i], values[i]
            at = _slot(bits, table, key, span, shift)
            if table[at, COUNT] == 0.0:
                if used >= half:
                    return i, used, newest_ms
                used += 1
                bits[at, KEY] = key
                bits[at, SPAN] = span
                table[at, SUM] = 0.0
                table[at, LEAST] = value
                table[at, GREATEST] = value
                table[at, RESULTS] = 0.0
            table[at, COUNT] += 1.0
            table[at, SUM] += value
            table[at, LEAST] = min(table[at, LEAST], value)
            table[at, GREATEST] = max(table[at, GREATEST], value)
            table[at, CHANGED] = 1.0
            late[i] = False
        newest_ms = max(newest_ms, time)
    return keys.shape[0], used, newest_ms


@njit(cache=True)
def keep(bits: Ints, table: Floats, new_bits: Ints, new: Floats, least_span: int) -> int:
    """Put the panes of ``least_span`` and later into an empty table; returns how many there were."""
    shift = _shift(new.shape[0])
    used = 0
    for i in range(table.shape[0]):
        if table[i, COUNT] != 0.0 and bits[i, SPAN] >= least_span:
            at = _slot(new_bits, new, bits[i, KEY], bits[i, SPAN], shift)
            for column in range(COLUMNS):
                new_bits[at, column] = bits[i, column]
            used += 1
    return used


@njit(cache=True)
def complete(bits: Ints, table: Floats, below_span: int, out: Ints) -> int:
    """The slots whose pane has changed and lies below a span, into ``out``; marks them as given out."""
    found = 0
    for i in range(table.shape[0]):
        if table[i, COUNT] != 0.0 and table[i, CHANGED] == 1.0 and bits[i, SPAN] < below_span:
            out[found] = i
            found += 1
            table[i, CHANGED] = 0.0
            table[i, RESULTS] += 1.0
    return found


def warm() -> None:
    """Compile each kernel for the types it is used with."""
    table = np.zeros((16, COLUMNS))
    bits, times, values = table.view(np.int64), np.arange(3), np.zeros(3)
    add(bits, table, 0, times, times, values, 0, 10, 0, -100, 0, 0, np.empty(3, np.bool_))
    complete(bits, table, 100, np.empty(16, np.int64))
    larger = np.zeros((32, COLUMNS))
    keep(bits, table, larger.view(np.int64), larger, -100)
