"""Distances from product codes at the speed of memory: looked up and added, never computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from windtunnel.blocks.vectors.kernels.distance import pack, packed_distance, packed_node

if TYPE_CHECKING:
    from numpy.typing import NDArray


@njit(cache=True)
def scan(
    codes: NDArray[np.uint8], tables: NDArray[np.float32], found: NDArray[np.int64], distances: NDArray[np.float32]
) -> None:
    """The nearest rows of `codes` for each query's table (parts, 256); fills `found` and `distances`."""
    k = found.shape[1]
    pool = np.empty(k, np.uint64)
    for q in range(tables.shape[0]):
        size = 0
        worst = np.float32(np.inf)
        for row in range(codes.shape[0]):
            total = np.float32(0.0)
            for part in range(codes.shape[1]):
                total += tables[q, part, np.uint64(codes[row, part])]
            if size == k and total >= worst:  # of equals the first is kept
                continue
            size = min(size + 1, k)
            key = pack(total, row)
            at = size - 1
            while at > 0 and pool[at - 1] > key:
                pool[at] = pool[at - 1]
                at -= 1
            pool[at] = key
            worst = packed_distance(pool[size - 1])
        for j in range(k):
            found[q, j] = packed_node(pool[j]) if j < size else -1
            distances[q, j] = packed_distance(pool[j]) if j < size else np.float32(np.inf)


def warm() -> None:
    """Compile each kernel here for the types it is used with."""
    found, distances = np.empty((1, 1), np.int64), np.empty((1, 1), np.float32)
    scan(np.zeros((1, 1), np.uint8), np.zeros((1, 1, 256), np.float32), found, distances)
