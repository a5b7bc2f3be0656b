"""Which nodes of a graph a walk can come to at all, at the speed of C; its own reference, run uncompiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from windtunnel.blocks.vectors.kernels.distance import Int


@njit(cache=True)
def mark_reached(
    links: NDArray[np.int32], counts: NDArray[np.int32], start: Int, marks: NDArray[np.bool_], stack: NDArray[np.int32]
) -> None:
    """Set `marks` (nodes,) of all to which links lead from `start`, itself included. `stack` (nodes,) is scratch."""
    stack[0] = start
    marks[start] = True
    waiting = 1
    while waiting > 0:
        waiting -= 1
        node = stack[waiting]
        for j in range(counts[node]):
            other = links[node, j]
            if not marks[other]:
                marks[other] = True
                stack[waiting] = other
                waiting += 1


def warm() -> None:
    """Compile the kernel here for the types it is used with."""
    links, counts = np.zeros((2, 4), np.int32), np.ones(2, np.int32)
    mark_reached(links, counts, 1, np.zeros(2, np.bool_), np.empty(2, np.int32))
