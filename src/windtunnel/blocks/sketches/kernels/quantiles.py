"""DDSketch over batches of finite numbers."""

from __future__ import annotations

from math import ceil, inf, log
from typing import Any

import numpy as np

from windtunnel.blocks.ground.kernels.words import njit, types

NUMBERS = types.Array(types.float64, 1, "C", readonly=True)


@njit(types.UniTuple(types.float64, 2)(NUMBERS, types.float64), cache=True)
def extent(numbers: Any, sign: float) -> tuple[float, float]:
    """The smallest and the largest magnitude among the numbers of this sign."""
    smallest, largest = inf, 0.0
    for i in range(numbers.size):
        magnitude = numbers[i] * sign
        if magnitude > 0:
            smallest = min(smallest, magnitude)
            largest = max(largest, magnitude)
    return smallest, largest


@njit(types.int64(NUMBERS, types.float64, types.float64, types.int64, types.int64[::1]), cache=True)
def add(numbers: Any, sign: float, per_log: float, low: int, counts: Any) -> int:
    """Count the numbers of this sign in their buckets, of which `low` is the first; returns how many there were."""
    found = 0
    for i in range(numbers.size):
        magnitude = numbers[i] * sign
        if magnitude > 0:
            index = np.int64(ceil(log(magnitude) * per_log))
            counts[max(index - low, 0)] += 1
            found += 1
    return found


def warm() -> None:
    """Call each kernel once."""
    numbers = np.ones(1)
    extent(numbers, 1.0)
    add(numbers, 1.0, 1.0, 0, np.zeros(1, np.int64))
