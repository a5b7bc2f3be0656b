"""Exact search by measuring every distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from windtunnel.blocks.vectors.kernels.distance import distance, pack, packed_distance, packed_node

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 8
"""Queries that share a pass over the vectors, so that each vector is fetched from memory once for all of them."""


@njit(cache=True)
def search_rows(
    metric: int,
    vectors: NDArray[np.float32],
    rows: NDArray[np.int64],
    queries: NDArray[np.float32],
    found: NDArray[np.int64],
    distances: NDArray[np.float32],
) -> None:
    """The nearest of some `rows` of `vectors` for each query; fills `found` and `distances` (queries, k)."""
    k = found.shape[1]
    pools = np.empty((BLOCK, k), np.uint64)
    sizes = np.empty(BLOCK, np.int64)
    for first in range(0, queries.shape[0], BLOCK):
        block = min(BLOCK, queries.shape[0] - first)
        sizes[:] = 0
        for i in range(rows.size):
            for q in range(block):
                key = pack(distance(metric, vectors, rows[i], queries, first + q), rows[i])
                size = sizes[q]
                if size < k:
                    sizes[q] = size + 1
                elif key > pools[q, k - 1]:
                    continue
                at = sizes[q] - 1
                while at > 0 and pools[q, at - 1] > key:
                    pools[q, at] = pools[q, at - 1]
                    at -= 1
                pools[q, at] = key
        for q in range(block):
            for j in range(k):
                found[first + q, j] = packed_node(pools[q, j]) if j < sizes[q] else -1
                distances[first + q, j] = packed_distance(pools[q, j]) if j < sizes[q] else np.float32(np.inf)


def warm() -> None:
    """Compile each kernel here for the types it is used with."""
    vectors = np.zeros((1, 16), np.float32)
    found, distances = np.empty((1, 1), np.int64), np.empty((1, 1), np.float32)
    search_rows(0, vectors, np.zeros(1, np.int64), vectors, found, distances)
