"""The binary fuse filter over batches of hashes."""

from __future__ import annotations

from typing import Any

import numpy as np

from windtunnel.blocks.ground.kernels.words import KEYS, Word, high_product, njit, types, uint64

NARROW, WIDE = types.uint8[::1], types.uint16[::1]
FLAGS = types.boolean[::1]
SHAPE = (types.uint64,) * 4
"""Of the arguments: seed, starts, segment, mask."""
FIRST, SECOND = uint64(0xFF51AFD7ED558CCD), uint64(0xC4CEB9FE1A85EC53)


@njit
def mixed(h: Word) -> Word:
    h ^= h >> uint64(33)
    h *= FIRST
    h ^= h >> uint64(33)
    h *= SECOND
    return h ^ (h >> uint64(33))


@njit
def place(h: Word, i: int, starts: Word, segment: Word) -> Word:
    at = high_product(h, starts) + uint64(i) * segment
    if i == 1:
        return at ^ ((h >> uint64(18)) & (segment - uint64(1)))
    if i == 2:
        return at ^ (h & (segment - uint64(1)))
    return at


@njit
def print_of(h: Word, mask: Word) -> Word:
    return (h ^ (h >> uint64(32))) & mask


@njit([types.boolean(KEYS, *SHAPE, cells) for cells in (NARROW, WIDE)], cache=True)
def fill(hashes: Any, seed: int, starts: int, segment: int, mask: int, cells: Any) -> bool:
    """Peel, and fill the cells from the last peeled to the first; False where some keys cannot be peeled."""
    size = cells.size
    counts, xors = np.zeros(size, np.int32), np.zeros(size, np.uint64)
    for i in range(hashes.size):
        h = mixed(hashes[i] ^ seed)
        for j in range(3):
            at = place(h, j, starts, segment)
            counts[at] += 1
            xors[at] ^= h
    alone, top = np.empty(size, np.uint64), 0
    for i in range(size):
        if counts[i] == 1:
            alone[top] = i
            top += 1
    peeled, from_cell, done = np.empty(hashes.size, np.uint64), np.empty(hashes.size, np.uint64), 0
    while top:
        top -= 1
        own = alone[top]
        if counts[own] != 1:
            continue
        h = xors[own]
        peeled[done] = h
        from_cell[done] = own
        done += 1
        for j in range(3):
            at = place(h, j, starts, segment)
            counts[at] -= 1
            xors[at] ^= h
            if counts[at] == 1:
                alone[top] = at
                top += 1
    if done != hashes.size:
        return False
    for i in range(done - 1, -1, -1):
        h = peeled[i]
        cell = print_of(h, mask)
        for j in range(3):
            cell ^= uint64(cells[place(h, j, starts, segment)])
        cells[from_cell[i]] = cell
    return True


@njit([types.void(KEYS, *SHAPE, cells, FLAGS) for cells in (NARROW, WIDE)], cache=True)
def contains(hashes: Any, seed: int, starts: int, segment: int, mask: int, cells: Any, out: Any) -> None:
    """Whether the three cells of each key make its fingerprint."""
    for i in range(hashes.size):
        h = mixed(hashes[i] ^ seed)
        left = print_of(h, mask)
        for j in range(3):
            left ^= uint64(cells[place(h, j, starts, segment)])
        out[i] = left == 0


def warm() -> None:
    """Call each kernel once."""
    hashes, out = np.zeros(1, np.uint64), np.zeros(1, np.bool_)
    for cells in (np.zeros(12, np.uint8), np.zeros(12, np.uint16)):
        fill(hashes, 1, 4, 4, 255, cells)
        contains(hashes, 1, 4, 4, 255, cells, out)
