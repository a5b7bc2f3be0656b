"""Distances between float32 vectors, and keys that sort as distances do.

A row of vectors is padded with zeros to whole cache lines: that changes no distance and spares the loops a tail.
`fastmath` lets LLVM keep several partial sums, so the loops become AVX code; sums may differ from NumPy's in the last
bits, and between machines, never between two runs on one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]  # no stubs; comes with Numba
from numba import njit, types
from numba.extending import intrinsic

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    Int = int | np.integer[Any]
    """An integer as kernels meet it: Numba makes no difference between Python's and NumPy's."""

LINE_BYTES = 64
L2 = 0
"""Squared Euclidean distance."""
INNER = 1
"""One minus the inner product: for unit vectors, one minus the cosine."""


@intrinsic
def _prefetch(context, array, offset_bytes):  # type: ignore[no-untyped-def]  # Numba's own types have no names
    """Ask for the cache line `offset_bytes` behind the array's start, and do not wait for it."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer = ir.IntType(8).as_pointer()
        address = builder.gep(builder.bitcast(data, pointer), [arguments[1]])
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer, word, word, word])
        function = builder.module.declare_intrinsic("llvm.prefetch", [pointer], kind)
        builder.call(function, [address, word(0), word(3), word(1)])  # for reading, keep in all levels, data
        return context.get_dummy_value()

    return types.void(array, types.uint64), generate


@njit(cache=True)
def ask_for(table: NDArray[np.float32] | NDArray[np.int32], row: Int) -> None:
    """Prefetch a whole row of four-byte numbers."""
    width = np.uint64(table.shape[1] * 4)
    start = np.uint64(row) * width
    for line in range(0, table.shape[1] * 4, LINE_BYTES):
        _prefetch(table, start + np.uint64(line))  # type: ignore[call-arg]  # the context is Numba's


@njit(cache=True)
def ask_for_item(numbers: NDArray[np.int32], at: Int) -> None:
    """Prefetch one four-byte number."""
    _prefetch(numbers, np.uint64(at) * np.uint64(4))  # type: ignore[call-arg]  # the context is Numba's


@njit(fastmath=True, cache=True, forceinline=True)
def distance(
    metric: Int, vectors: NDArray[np.float32], row: Int, others: NDArray[np.float32], other: Int
) -> np.float32:
    """The distance of one row of `vectors` from one of `others`."""
    at, to = np.uint64(row), np.uint64(other)
    total = np.float32(0.0)
    if metric == L2:
        for i in range(others.shape[1]):
            step = vectors[at, i] - others[to, i]
            total += step * step
        return total
    for i in range(others.shape[1]):
        total += vectors[at, i] * others[to, i]
    return np.float32(1.0) - total


@njit(cache=True)
def pack(distance: np.float32, node: Int) -> np.uint64:
    """A key that sorts by distance, then node: the distance's bits in order above, the node below, bit 0 free."""
    bits = np.float32(distance).view(np.uint32)
    flip = np.uint32(0xFFFFFFFF) if bits >> np.uint32(31) else np.uint32(0x80000000)
    return (np.uint64(bits ^ flip) << np.uint64(32)) | (np.uint64(node) << np.uint64(1))


@njit(cache=True)
def packed_distance(key: np.uint64) -> np.float32:
    """The distance in a key of `pack`."""
    bits = np.uint32(key >> np.uint64(32))
    flip = np.uint32(0x80000000) if bits >> np.uint32(31) else np.uint32(0xFFFFFFFF)
    return np.uint32(bits ^ flip).view(np.float32)


@njit(cache=True)
def packed_node(key: np.uint64) -> np.int64:
    """The node in a key of `pack`."""
    return np.int64((key & np.uint64(0xFFFFFFFF)) >> np.uint64(1))


def warm() -> None:
    """Compile each kernel here for the types it is used with."""
    rows = np.zeros((1, 16), np.float32)
    ask_for(rows, 0)
    ask_for_item(np.zeros(1, np.int32), 0)
    distance(L2, rows, 0, rows, 0)
    packed_node(pack(packed_distance(pack(np.float32(1), 0)), 0))
