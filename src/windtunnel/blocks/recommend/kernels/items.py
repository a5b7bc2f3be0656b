"""What items have to do with each other: who came together how often, and the inverse that EASE needs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from windtunnel.blocks.recommend.kernels.towers import Floats, Rows


@njit(cache=True)
def together(starts: Rows, seen: Rows, counts: Floats) -> None:
    """Adds to `counts` (m, m), for each user that has seen `seen[starts[u] : starts[u + 1]]`, all pairs of these."""
    for user in range(starts.size - 1):
        for a in range(starts[user], starts[user + 1]):
            for b in range(starts[user], starts[user + 1]):
                counts[seen[a], seen[b]] += 1.0


@njit(cache=True)
def invert(matrix: Floats) -> bool:
    """Replaces a symmetric positive definite matrix by its inverse (Gauss and Jordan); False if it is none."""
    n = matrix.shape[0]
    for at in range(n):
        pivot = matrix[at, at]
        if not pivot > 0.0:
            return False
        row = matrix[at]
        row[at] = 1.0
        for j in range(n):
            row[j] /= pivot
        for i in range(n):
            if i == at:
                continue
            factor = matrix[i, at]
            other = matrix[i]
            other[at] = 0.0
            for j in range(n):
                other[j] -= factor * row[j]
    return True


@njit(cache=True)
def cosines(counts: Floats, shrink: float) -> None:
    """Turns counts of who came together into cosines, `shrink` added below; of an item with itself 0."""
    n = counts.shape[0]
    lengths = np.empty(n)
    for i in range(n):
        lengths[i] = math.sqrt(counts[i, i])
    for i in range(n):
        for j in range(n):
            below = lengths[i] * lengths[j] + shrink
            counts[i, j] = counts[i, j] / below if below > 0.0 and i != j else 0.0


@njit(cache=True)
def summed(starts: Rows, seen: Rows, weights: Floats, scores: Floats) -> None:
    """For each user the sum of the rows of `weights` (m, m) of the items that it has seen; fills `scores` (n, m)."""
    for user in range(starts.size - 1):
        row = scores[user]
        for j in range(weights.shape[1]):
            row[j] = 0.0
        for a in range(starts[user], starts[user + 1]):
            other = weights[seen[a]]
            for j in range(weights.shape[1]):
                row[j] += other[j]


def warm() -> None:
    """Compile each kernel here for the types it is used with."""
    starts, seen, counts = np.array([0, 1]), np.zeros(1, np.int64), np.ones((1, 1))
    together(starts, seen, counts)
    cosines(counts, 1.0)
    summed(starts, seen, counts, np.empty((1, 1)))
    invert(np.ones((1, 1)))
