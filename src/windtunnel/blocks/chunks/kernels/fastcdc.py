"""FastCDC at the speed of C: the same cuts as `windtunnel.blocks.chunks.fastcdc.plain_cut`.

The hash of a position is twice the one before plus a number of the byte, so a walk is bound by the latency of a shift
and an addition a byte. The paper's version of 2020 takes two bytes a step and shifts once for both; here it is eight:
the hash after byte `i` stands shifted by `7 - i` bits, and so do the byte's number, from a table of its own, and
the mask. No mask reaches above bit 51, so nothing is lost. Indices are unsigned: that spares a test for negative ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy import uint64 as U  # noqa: N812  (it stands at every index)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Words = NDArray[np.uint64]


def tables(gear: Words) -> Words:
    """(2048,): the gear table, and the same shifted by 1 to 7 bits."""
    return np.concatenate([gear << U(shift) for shift in range(8)])


@njit(cache=True)
def scan(data: Bytes, at: U, stop: U, hashed: U, mask: U, gear: Words) -> tuple[U, U]:
    """Walk from `at` to the first position whose hash has no bit of `mask`, or to `stop`; and the hash there."""
    mask1, mask2, mask3, mask4 = mask << U(1), mask << U(2), mask << U(3), mask << U(4)
    mask5, mask6, mask7 = mask << U(5), mask << U(6), mask << U(7)
    while at + U(8) <= stop:
        hash7 = (hashed << U(8)) + gear[U(1792) + U(data[at])]
        hash6 = hash7 + gear[U(1536) + U(data[at + U(1)])]
        hash5 = hash6 + gear[U(1280) + U(data[at + U(2)])]
        hash4 = hash5 + gear[U(1024) + U(data[at + U(3)])]
        hash3 = hash4 + gear[U(768) + U(data[at + U(4)])]
        hash2 = hash3 + gear[U(512) + U(data[at + U(5)])]
        hash1 = hash2 + gear[U(256) + U(data[at + U(6)])]
        hashed = hash1 + gear[U(data[at + U(7)])]
        if hash7 & mask7 == 0:
            return at, hashed
        if hash6 & mask6 == 0:
            return at + U(1), hashed
        if hash5 & mask5 == 0:
            return at + U(2), hashed
        if hash4 & mask4 == 0:
            return at + U(3), hashed
        if hash3 & mask3 == 0:
            return at + U(4), hashed
        if hash2 & mask2 == 0:
            return at + U(5), hashed
        if hash1 & mask1 == 0:
            return at + U(6), hashed
        if hashed & mask == 0:
            return at + U(7), hashed
        at += U(8)
    while at < stop:
        hashed = (hashed << U(1)) + gear[U(data[at])]
        if hashed & mask == 0:
            return at, hashed
        at += U(1)
    return stop, hashed


@njit(cache=True)
def cut(data: Bytes, start: U, sizes: Words, masks: Words, gear: Words) -> U:
    """The end of the chunk that begins at `start`; `sizes` are minimum, average, maximum, `masks` hard, easy."""
    left = U(data.size) - start
    if left <= sizes[0]:
        return start + left
    left = min(left, sizes[2])
    even = ~U(1)
    begin, middle, stop = start + (sizes[0] & even), start + (min(left, sizes[1]) & even), start + (left & even)
    at, hashed = scan(data, begin, middle, U(0), masks[0], gear)
    if at < middle:
        return at
    at, hashed = scan(data, middle, stop, hashed, masks[1], gear)
    return at if at < stop else start + left


@njit(cache=True)
def cut_points(data: Bytes, sizes: Words, masks: Words, gear: Words, ends: NDArray[np.int64]) -> int:
    """Cut all of `data`; fills `ends` and returns how many chunks there are."""
    count = 0
    start = U(0)
    while start < U(data.size):
        start = cut(data, start, sizes, masks, gear)
        ends[count] = np.int64(start)
        count += 1
    return count


def warm() -> None:
    """Compile each kernel here for the types it is used with."""
    sizes, masks, ends = np.array([64, 256, 1024], U), np.array([7, 3], U), np.empty(10, np.int64)
    cut_points(np.frombuffer(bytes(64), np.uint8), sizes, masks, tables(np.zeros(256, U)), ends)
