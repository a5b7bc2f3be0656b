"""Kernels of `rate_limit_batch`: GCRA and token bucket over arrays of requests, in the order of the arrays.

State lives in an open-addressed table (linear probing, a power of two of slots): a slot is a row of `table`, whose
first cell holds the key. `bits` is the same memory seen as uint64. The second cell is a time, minus infinity where
the slot is free; the third what there was at that time: the tokens, or how many requests GCRA was ahead. A kernel stops
in front of the first request that would fill the table beyond half, and returns how far it came; the caller makes room
and calls again.
"""

from __future__ import annotations

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]

FREE = -np.inf
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@njit(cache=True, inline="always")
def _slot(bits: NDArray[np.uint64], table: Floats, key: np.uint64, shift: int) -> np.int64:
    """The slot that has `key`, or the free one where it belongs (Fibonacci hashing)."""
    mask = table.shape[0] - 1
    at = np.int64((uint64(key) * GOLDEN) >> uint64(shift))
    while table[at, 1] != FREE and bits[at, 0] != key:
        at = (at + 1) & mask
    return at


@njit(cache=True, inline="always")
def _shift(table: Floats) -> int:
    """How far to shift a hash of 64 bits to have a slot's number: all but as many bits as those have."""
    shift, size = 64, table.shape[0]
    while size > 1:
        size >>= 1
        shift -= 1
    return shift


@njit(cache=True, inline="always")
def _claim(bits: NDArray[np.uint64], table: Floats, key: np.uint64, shift: int, room: bool) -> np.int64:
    """The slot of `key`, taken for it if it had none; -1 where it had none and there is no room for more."""
    at = _slot(bits, table, key, shift)
    if table[at, 1] == FREE:
        if not room:
            return np.int64(-1)
        bits[at, 0] = key
    return at


@njit(cache=True)
def gcra(
    bits: NDArray[np.uint64],
    table: Floats,
    used: int,
    keys: Keys,
    at_s: Floats,
    start: int,
    rate_per_s: float,
    burst: float,
    slack_s: float,
    allowed: NDArray[np.bool_],
) -> tuple[int, int]:
    """Decide `keys[start:]`, each of cost 1; returns how far it came and how many slots are used."""
    shift = _shift(table)
    half = table.shape[0] // 2
    short = slack_s * rate_per_s
    for i in range(start, keys.shape[0]):
        key, now = keys[i], at_s[i]
        at = _claim(bits, table, key, shift, used < half)
        if at < 0:
            return i, used
        then = table[at, 1]
        ahead = 0.0
        if then == FREE:
            used += 1
        else:
            now = max(now, then)
            ahead = max(0.0, table[at, 2] - (now - then) * rate_per_s)
        ok = ahead + 1.0 - burst <= short
        table[at, 1] = now
        table[at, 2] = ahead + 1.0 if ok else ahead
        allowed[i] = ok
    return keys.shape[0], used


@njit(cache=True)
def token_bucket(
    bits: NDArray[np.uint64],
    table: Floats,
    used: int,
    keys: Keys,
    at_s: Floats,
    start: int,
    rate_per_s: float,
    burst: float,
    slack_s: float,
    allowed: NDArray[np.bool_],
) -> tuple[int, int]:
    """Decide `keys[start:]`, each of cost 1; returns how far it came and how many slots are used."""
    shift = _shift(table)
    half = table.shape[0] // 2
    short = slack_s * rate_per_s
    for i in range(start, keys.shape[0]):
        key, now = keys[i], at_s[i]
        at = _claim(bits, table, key, shift, used < half)
        if at < 0:
            return i, used
        then = table[at, 1]
        tokens = burst
        if then == FREE:
            used += 1
        else:
            now = max(now, then)
            tokens = min(burst, table[at, 2] + (now - then) * rate_per_s)
        ok = 1.0 - tokens <= short
        table[at, 1] = now
        table[at, 2] = tokens - 1.0 if ok else tokens
        allowed[i] = ok
    return keys.shape[0], used


@njit(cache=True)
def rehash(bits: NDArray[np.uint64], table: Floats, new_bits: NDArray[np.uint64], new: Floats) -> None:
    """Put all slots that are taken into another table."""
    shift = _shift(new)
    for i in range(table.shape[0]):
        if table[i, 1] != FREE:
            at = _slot(new_bits, new, bits[i, 0], shift)
            new_bits[at, 0] = bits[i, 0]
            for column in range(1, table.shape[1]):
                new[at, column] = table[i, column]


def warm() -> None:
    """Compile each kernel for the types it is used with."""
    keys, at_s, allowed = np.arange(3, dtype=np.uint64), np.zeros(3), np.zeros(3, np.bool_)
    for kernel in (gcra, token_bucket):
        table = np.full((4, 3), FREE)
        larger = table.repeat(2, axis=0)
        kernel(table.view(np.uint64), table, 0, keys, at_s, 0, 1.0, 1.0, 1e-6, allowed)
        rehash(table.view(np.uint64), table, larger.view(np.uint64), larger)
