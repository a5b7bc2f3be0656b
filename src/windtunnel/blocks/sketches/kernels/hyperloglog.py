"""HyperLogLog over batches of hashes."""

from __future__ import annotations

from typing import Any

import numpy as np

from windtunnel.blocks.ground.kernels.words import KEYS, leading_zeros, njit, types, uint64
from windtunnel.blocks.sketches.hyperloglog import RUN_BITS, RUN_MASK, SPARSE_PRECISION, SPARSE_REST


@njit(types.void(types.uint8[::1], types.int64, KEYS, types.int64), cache=True)
def add_dense(registers: Any, precision: int, hashes: Any, start: int) -> None:
    """Raise the register of each key from `start` on."""
    p = uint64(precision)
    stop = uint64(1) << (p - uint64(1))  # ends the run where the bits of the hash end
    for i in range(start, hashes.size):
        h = hashes[i]
        run = leading_zeros((h << p) | stop) + uint64(1)
        at = h >> (uint64(64) - p)
        if run > registers[at]:
            registers[at] = run


@njit(
    types.UniTuple(types.int64, 2)(types.uint32[::1], types.int64, types.int64, KEYS, types.int64),
    cache=True,
)
def add_sparse(table: Any, used: int, room: int, hashes: Any, start: int) -> tuple[int, int]:
    """Put the keys from `start` on into the table, until one would be more than `room`.

    Returns the index of the first one not added, and the entries now in use.
    """
    mask = uint64(table.size - 1)
    stop = uint64(1) << uint64(SPARSE_PRECISION - 1)
    for i in range(start, hashes.size):
        h = hashes[i]
        run = leading_zeros((h << uint64(SPARSE_PRECISION)) | stop) + uint64(1)
        upper = h >> uint64(SPARSE_REST)
        entry = (upper << uint64(RUN_BITS)) | run
        at = upper & mask
        while table[at] != 0 and uint64(table[at]) >> uint64(RUN_BITS) != upper:
            at = (at + uint64(1)) & mask
        if table[at] == 0:
            if used == room:
                return i, used
            used += 1
            table[at] = entry
        elif entry > table[at]:
            table[at] = entry
    return hashes.size, used


@njit(types.void(types.uint8[::1], types.int64, types.uint32[::1]), cache=True)
def raise_registers(registers: Any, precision: int, table: Any) -> None:
    """Raise the registers that the entries of a table stand for."""
    between = uint64(SPARSE_PRECISION - precision)
    for i in range(table.size):
        entry = uint64(table[i])
        if entry == 0:
            continue
        upper = entry >> uint64(RUN_BITS)
        below = upper & ((uint64(1) << between) - uint64(1))
        run = between + (entry & uint64(RUN_MASK))
        if below != 0:
            run = leading_zeros(below) - (uint64(64) - between) + uint64(1)
        if run > registers[upper >> between]:
            registers[upper >> between] = run


def warm() -> None:
    """Call each kernel once."""
    hashes = np.zeros(1, np.uint64)
    add_dense(np.zeros(16, np.uint8), 4, hashes, 0)
    add_sparse(np.zeros(16, np.uint32), 0, 12, hashes, 0)
    raise_registers(np.zeros(16, np.uint8), 4, np.zeros(16, np.uint32))
