"""Heavy hitters over batches of hashes."""

from __future__ import annotations

from typing import Any

import numpy as np

from windtunnel.blocks.ground.kernels.words import KEYS, njit, types
from windtunnel.blocks.sketches.kernels.count_min import COUNTERS, COUNTS, least_of, raise_to
from windtunnel.blocks.sketches.kernels.leaders import STATE, find, raise_by, take_lowest
from windtunnel.blocks.sketches.leaders import FREE, Leaders


@njit(types.void(STATE, COUNTERS, types.int64, KEYS, COUNTS), cache=True)
def space_saving(leaders: Any, sources: Any, first: int, hashes: Any, counts: Any) -> None:
    """Count each key; `sources` takes, for each slot that changed hands, the index of its new key in the batch.

    `first` is the index of the first of these keys in the batch.
    """
    tracked, overcounts, slots, positions, runs, totals, ends, spare, table = leaders
    each = counts.size == hashes.size
    for i in range(hashes.size):
        count = counts[i if each else 0]
        if count == 0:
            continue
        slot = find(tracked, table, hashes[i])
        if slot == FREE:
            slot = take_lowest(tracked, overcounts, slots, runs, totals, table, hashes[i])
            sources[slot] = first + i
        raise_by(slots, positions, runs, totals, ends, spare, slot, count)


@njit(types.void(COUNTERS, types.uint64, types.int64, STATE, COUNTERS, types.int64, KEYS, COUNTS), cache=True)
def count_min_top(
    counters: Any, width: int, depth: int, leaders: Any, sources: Any, first: int, hashes: Any, counts: Any
) -> None:
    """Count each key in the sketch, conservatively, and keep the highest estimates among the leaders."""
    tracked, overcounts, slots, positions, runs, totals, ends, spare, table = leaders
    each = counts.size == hashes.size
    for i in range(hashes.size):
        h = hashes[i]
        estimate = least_of(counters, width, depth, h) + counts[i if each else 0]
        raise_to(counters, width, depth, h, estimate)
        slot = find(tracked, table, h)
        total = totals[runs[0 if slot == FREE else positions[slot]]]
        if estimate <= total:
            continue
        if slot == FREE:
            slot = take_lowest(tracked, overcounts, slots, runs, totals, table, h)
            overcounts[slot] = 0
            sources[slot] = first + i
        raise_by(slots, positions, runs, totals, ends, spare, slot, estimate - total)


def warm() -> None:
    """Call each kernel once."""
    leaders, sources = Leaders(1).arrays(), np.zeros(1, np.int64)
    hashes, counts = np.zeros(1, np.uint64), np.ones(1, np.int64)
    space_saving(leaders, sources, 0, hashes, counts)
    count_min_top(np.zeros(1, np.int64), 1, 1, leaders, sources, 0, hashes, counts)
