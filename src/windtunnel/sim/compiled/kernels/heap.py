"""A binary heap of int64 in an array, as the kernels of queues need it."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@njit(cache=True, inline="always")
def replace_top(heap: Ints, size: int, value: int) -> None:
    """Take the smallest of `heap[:size]` out and put `value` in."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = value


@njit(cache=True, inline="always")
def replace_first(heap: Ints, first: int, size: int, value: int) -> None:
    """`replace_top` of the heap in `heap[first : first + size]`: many heaps in one array cost no views."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and heap[first + child + 1] < heap[first + child]:
            child += 1
        if heap[first + child] >= value:
            break
        heap[first + at] = heap[first + child]
        at = child
    heap[first + at] = value


@njit(cache=True, inline="always")
def push_pair(keys: Ints, values: Ints, size: int, key: int, value: int) -> None:
    """Put a pair into the heap `keys[:size]`, ordered by key, then value. The caller counts the size."""
    at = size
    while at > 0:
        parent = (at - 1) >> 1
        if keys[parent] < key or (keys[parent] == key and values[parent] <= value):
            break
        keys[at] = keys[parent]
        values[at] = values[parent]
        at = parent
    keys[at] = key
    values[at] = value


@njit(cache=True, inline="always")
def replace_pair(keys: Ints, values: Ints, size: int, key: int, value: int) -> None:
    """Take the top out of the heap `keys[:size]` and put a pair in."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        right = child + 1
        if right < size and (
            keys[right] < keys[child] or (keys[right] == keys[child] and values[right] < values[child])
        ):
            child = right
        if keys[child] > key or (keys[child] == key and values[child] >= value):
            break
        keys[at] = keys[child]
        values[at] = values[child]
        at = child
    keys[at] = key
    values[at] = value


@njit(cache=True, inline="always")
def pop_pair(keys: Ints, values: Ints, size: int) -> None:
    """Take the top out of the heap `keys[:size]`; the caller has read it, and counts the size."""
    last = size - 1
    replace_pair(keys, values, last, keys[last], values[last])


def warm() -> None:
    """Nothing is compiled here: these are written out where they are called."""
