"""The low-rank parts of the rows of a step, each gathered from its own adapter: Punica's BGMV, for a processor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from windtunnel.blocks.serving.kernels import FAST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Ints = NDArray[np.int64]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def gather(
    rows: Floats, which: Ints, adapters: Floats, layer: int, begin: int, rank: int, outputs: int, out: Floats
) -> None:
    """To each row of `out` (n, `outputs` or more) is added (x A) B of the row x (n, inputs) and of its own adapter.

    `which` says where in `adapters` (places, layers, numbers) that is, -1 for none. From `begin` on A lies there by
    rows (rank, inputs), and behind it B (rank, outputs). A row is summed in one order, whoever stands beside it.
    """
    inputs = rows.shape[1]
    for i in range(rows.shape[0]):
        if which[i] < 0:
            continue
        row, to, numbers = rows[i], out[i], adapters[which[i], layer]
        middle = begin + rank * inputs
        for k in range(rank):
            down = numbers[begin + k * inputs : begin + (k + 1) * inputs]
            up = numbers[middle + k * outputs : middle + (k + 1) * outputs]
            total = np.float32(0)
            for x in range(inputs):
                total += row[x] * down[x]
            for y in range(outputs):
                to[y] += total * up[y]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def merge(down: Floats, up: Floats, times: np.float32, panels: Floats) -> None:
    """To a matrix in panels (p, inputs, 64) is added `times` A B, of A (rank, inputs) and B (rank, outputs)."""
    outputs, wide = up.shape[1], panels.shape[2]
    for p in range(panels.shape[0]):
        left = p * wide
        width = min(wide, outputs - left)
        for x in range(panels.shape[1]):
            to = panels[p, x]
            for k in range(down.shape[0]):
                share = times * down[k, x]
                for j in range(width):
                    to[j] += share * up[k, left + j]


def warm() -> None:
    """Compile each kernel here for the types it is used with."""
    from windtunnel.blocks.serving.lora import made_adapter, merged
    from windtunnel.blocks.serving.weights import ModelShape, made_weights

    shape = ModelShape(vocabulary=2, width=64, layers=1, heads=1, kv_heads=1, head_width=4, hidden=64)
    merged(made_weights(shape), made_adapter(shape, 1))
    one = np.zeros((1, 64), np.float32)
    gather(one, np.zeros(1, np.int64), np.zeros((1, 1, 128), np.float32), 0, 0, 1, 64, one)
