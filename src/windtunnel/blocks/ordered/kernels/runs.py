"""Runs of entries in order, inside of a block or a node: how they are searched and moved.

Searches compare scores alone, and members only among equal scores. Indices are unsigned, without which Numba's care for
negative indices keeps vector instructions away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from windtunnel.blocks.ordered.kernels.pieces import inner
from windtunnel.blocks.ordered.kernels.sorted_set import Members, precedes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from windtunnel.blocks.ordered.kernels.pieces import Int
    from windtunnel.blocks.ordered.kernels.sorted_set import Floats, Ids


@inner
def first_not_below(scores: Floats, start: Int, count: Int, score: float) -> Int:
    """How many of `count` ascending scores, from `start` on, are below `score`."""
    low, high, one = np.uint64(start), np.uint64(start + count), np.uint64(1)
    while low < high:
        middle = (low + high) >> one
        if scores[middle] < score:
            low = middle + one
        else:
            high = middle
    return np.int64(low) - start


@inner
def first_above(scores: Floats, start: Int, count: Int, score: float) -> Int:
    """How many of `count` ascending scores, from `start` on, are at most `score`."""
    low, high, one = np.uint64(start), np.uint64(start + count), np.uint64(1)
    while low < high:
        middle = (low + high) >> one
        if scores[middle] <= score:
            low = middle + one
        else:
            high = middle
    return np.int64(low) - start


@inner
def first_of_ties(m: Members, scores: Floats, words: Ids, low: Int, high: Int, score: float, word: int) -> Int:
    """The first entry in `low:high` that is not before the given one; none has a lower score.

    In growing steps from `low`: few entries share a score, so the first is mostly the one.
    """
    step = 1
    while low + step <= high and precedes(m, scores[low + step - 1], words[low + step - 1], score, word):
        low += step
        step *= 2
    high = min(high, low + step - 1)
    while low < high:
        middle = (low + high) >> 1
        if precedes(m, scores[middle], words[middle], score, word):
            low = middle + 1
        else:
            high = middle
    return low


@inner
def open_gap(entries: NDArray[np.generic], place: Int, stop: Int) -> None:
    """Move `entries[place:stop]` up by one."""
    i, down_to, one = np.uint64(stop), np.uint64(place), np.uint64(1)
    while i > down_to:
        entries[i] = entries[i - one]
        i -= one


@inner
def close_gap(entries: NDArray[np.generic], place: Int, stop: Int) -> None:
    """Move `entries[place + 1:stop]` down by one."""
    i, last, one = np.uint64(place), np.uint64(stop - 1), np.uint64(1)
    while i < last:
        entries[i] = entries[i + one]
        i += one


@inner
def copy(source: NDArray[np.generic], start: Int, target: NDArray[np.generic], at: Int, count: Int) -> None:
    """Copy `source[start : start + count]` to `target` from `at` on."""
    i, j, stop, one = np.uint64(start), np.uint64(at), np.uint64(start + count), np.uint64(1)
    while i < stop:
        target[j] = source[i]
        i += one
        j += one


def warm() -> None:
    """Nothing to call: these are parts of kernels."""
