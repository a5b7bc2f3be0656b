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
    inputs, fours = rows.shape[1], rank - rank % 4
    for i in range(rows.shape[0]):
        if which[i] < 0:
            continue
        row, to, numbers = rows[i], out[i, :outputs], adapters[which[i], layer]
        middle = begin + rank * inputs
        for k in range(0, fours, 4):
            at, up = begin + k * inputs, middle + k * outputs
            a0, a1 = numbers[at : at + inputs], numbers[at + inputs : at + 2 * inputs]
            a2, a3 = numbers[at + 2 * inputs : at + 3 * inputs], numbers[at + 3 * inputs : at + 4 * inputs]
            b0, b1 = numbers[up : up + outputs], numbers[up + outputs : up + 2 * outputs]
            b2, b3 = numbers[up + 2 * outputs : up + 3 * outputs], numbers[up + 3 * outputs : up + 4 * outputs]
            t0 = t1 = t2 = t3 = np.float32(0)
            for x in range(inputs):
                t0 += row[x] * a0[x]
                t1 += row[x] * a1[x]
                t2 += row[x] * a2[x]
                t3 += row[x] * a3[x]
            for y in range(outputs):
                to[y] += ((t0 * b0[y] + t1 * b1[y]) + t2 * b2[y]) + t3 * b3[y]
        for k in range(fours, rank):
            at, up = begin + k * inputs, middle + k * outputs
            a0, b0, t0 = numbers[at : at + inputs], numbers[up : up + outputs], np.float32(0)
            for x in range(inputs):
                t0 += row[x] * a0[x]
            for y in range(outputs):
                to[y] += t0 * b0[y]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def merge(down: Floats, up: Floats, times: np.float32, panels: Floats) -> None:
    """To a matrix in panels (p, inputs, 64) is added `times` A B, of A (rank, inputs) and B (rank, outputs)."""
    rank, outputs, wide = down.shape[0], up.shape[1], panels.shape[2]
    fours = rank - rank % 4
    for p in range(panels.shape[0]):
        left = p * wide
        width = min(wide, outputs - left)
        right = left + width
        for x in range(panels.shape[1]):
            to = panels[p, x]
            for k in range(0, fours, 4):
                a0, a1 = times * down[k, x], times * down[k + 1, x]
                a2, a3 = times * down[k + 2, x], times * down[k + 3, x]
                b0, b1, b2, b3 = up[k, left:right], up[k + 1, left:right], up[k + 2, left:right], up[k + 3, left:right]
                for j in range(width):
                    to[j] += ((a0 * b0[j] + a1 * b1[j]) + a2 * b2[j]) + a3 * b3[j]
            for k in range(fours, rank):
                a0, b0 = times * down[k, x], up[k, left:right]
                for j in range(width):
                    to[j] += a0 * b0[j]


def warm() -> None:
    """Compile each kernel here for the types it is used with."""
    from windtunnel.blocks.serving.lora import made_adapter, merged
    from windtunnel.blocks.serving.weights import ModelShape, made_weights

    shape = ModelShape(vocabulary=2, width=64, layers=1, heads=1, kv_heads=1, head_width=4, hidden=64)
    merged(made_weights(shape), made_adapter(shape, 1))
    one = np.zeros((1, 64), np.float32)
    gather(one, np.zeros(1, np.int64), np.zeros((1, 1, 128), np.float32), 0, 0, 1, 64, one)
