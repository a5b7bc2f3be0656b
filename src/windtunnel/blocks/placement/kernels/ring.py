"""The hash ring over batches of hashes: a table of starts leaves a step or two to search."""

from __future__ import annotations

from typing import Any

import numpy as np

from windtunnel.blocks.ground.kernels.words import KEYS, Word, leading_zeros, njit, types, uint64

PLACES = types.uint64[::1]
INDICES = types.int32[::1]


@njit
def position(places: Any, starts: Any, shift: Word, h: Word) -> Any:
    """The first point at or after a hash; the last point is at the highest place."""
    i = np.int64(starts[h >> shift])
    while places[i] < h:
        i += 1
    return i


@njit
def shift_of(starts: Any) -> Word:
    """How far to shift a hash to get its entry in the table of starts, which has a power of two of them."""
    return leading_zeros(uint64(starts.size)) + uint64(1)


@njit(types.void(PLACES, INDICES, INDICES, KEYS, INDICES), cache=True)
def lookup(places: Any, owners: Any, starts: Any, hashes: Any, out: Any) -> None:
    """The owner of each key."""
    shift = shift_of(starts)
    for i in range(hashes.size):
        out[i] = owners[position(places, starts, shift, hashes[i])]


@njit(
    types.void(
        PLACES, INDICES, INDICES, KEYS, types.float64[::1], types.float64, types.int64, types.int64, types.int64[::1],
        INDICES,
    ),
    cache=True,
)  # fmt: skip
def assign(
    places: Any,
    owners: Any,
    starts: Any,
    hashes: Any,
    shares: Any,
    factor: float,
    total: int,
    expected: int,
    loads: Any,
    out: Any,
) -> None:
    """Give each key to the first owner on its way whose load is below its share of what is allowed."""
    shift = shift_of(starts)
    for i in range(hashes.size):
        total += 1
        allowed = factor * max(total, expected)
        at = position(places, starts, shift, hashes[i])
        while loads[owners[at]] >= allowed * shares[owners[at]]:
            at = at + 1 if at + 1 < places.size else 0
        loads[owners[at]] += 1
        out[i] = owners[at]


def warm() -> None:
    """Call each kernel once."""
    places, owners, starts = np.full(1, ~np.uint64(0)), np.zeros(1, np.int32), np.zeros(2, np.int32)
    hashes, out = np.zeros(1, np.uint64), np.zeros(1, np.int32)
    lookup(places, owners, starts, hashes, out)
    assign(places, owners, starts, hashes, np.ones(1), 2.0, 0, 0, np.zeros(1, np.int64), out)
