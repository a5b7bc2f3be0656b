"""Count-Min over batches of hashes."""

from __future__ import annotations

from typing import Any

import numpy as np

from windtunnel.blocks.ground.kernels.words import KEYS, MULTIPLIER, Word, high_product, inner, njit, types, uint64

COUNTERS = types.int64[::1]
COUNTS = types.Array(types.int64, 1, "C", readonly=True)


@inner
def least_of(counters: Any, width: Word, depth: int, h: Word) -> Any:
    """The estimate of a key."""
    row = uint64(0)
    least = counters[high_product(h, width)]
    for _ in range(1, depth):
        h *= MULTIPLIER
        row += width
        least = min(least, counters[row + high_product(h, width)])
    return least


@inner
def raise_to(counters: Any, width: Word, depth: int, h: Word, target: int) -> None:
    """Raise the counters of a key that are lower than the target."""
    row = uint64(0)
    for _ in range(depth):
        cell = row + high_product(h, width)
        counters[cell] = max(counters[cell], target)
        h *= MULTIPLIER
        row += width


@njit(types.void(COUNTERS, types.uint64, types.int64, KEYS, COUNTS), cache=True)
def add(counters: Any, width: int, depth: int, hashes: Any, counts: Any) -> None:
    """Add to every counter of each key; a single count stands for all keys."""
    each = counts.size == hashes.size
    for i in range(hashes.size):
        h, row = hashes[i], uint64(0)
        count = counts[i if each else 0]
        for _ in range(depth):
            counters[row + high_product(h, width)] += count
            h *= MULTIPLIER
            row += width


@njit(types.void(COUNTERS, types.uint64, types.int64, KEYS, COUNTS), cache=True)
def add_conservative(counters: Any, width: int, depth: int, hashes: Any, counts: Any) -> None:
    """Raise the lowest counters of each key; a single count stands for all keys."""
    each = counts.size == hashes.size
    for i in range(hashes.size):
        h = hashes[i]
        raise_to(counters, width, depth, h, least_of(counters, width, depth, h) + counts[i if each else 0])


@njit(types.void(COUNTERS, types.uint64, types.int64, KEYS, COUNTERS), cache=True)
def estimate(counters: Any, width: int, depth: int, hashes: Any, out: Any) -> None:
    """The least counter of each key."""
    for i in range(hashes.size):
        out[i] = least_of(counters, width, depth, hashes[i])


def warm() -> None:
    """Call each kernel once."""
    counters, hashes, counts = np.zeros(2, np.int64), np.zeros(1, np.uint64), np.ones(1, np.int64)
    add(counters, 1, 2, hashes, counts)
    add_conservative(counters, 1, 2, hashes, counts)
    estimate(counters, 1, 2, hashes, counts)
