"""Rows times a matrix, which is nearly all that a language model does: a tile of sums stays in registers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]  # no stubs; comes with Numba
from numba import njit, types
from numba.core import cgutils
from numba.core.errors import TypingError
from numba.extending import intrinsic

from windtunnel.blocks.serving.kernels import EXACT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Numbers = NDArray[np.float32 | np.int8]

steps: Any = cgutils
"""How numba tells LLVM of arrays and loops; it names no types."""
PANEL = 64
"""Columns of a matrix that lie side by side: eight registers of AVX2."""
LANES = 8
"""Numbers of a vector: a register of AVX2."""
HIGH, WIDE = 4, 32
"""Rows and columns of a tile: sixteen vectors of sums, for four of the matrix that are read."""


def in_panels(matrix: Floats) -> Floats:
    """A matrix (inputs, outputs) as `multiply` reads it: (outputs / 64, inputs, 64), with zeros where none is."""
    inputs, outputs = matrix.shape
    panels = -(-outputs // PANEL)
    wide = np.zeros((inputs, panels * PANEL), np.float32)
    wide[:, :outputs] = matrix
    return np.ascontiguousarray(wide.reshape(inputs, panels, PANEL).transpose(1, 0, 2))


def _tile(typing: Any, rows: Any, first: Any, panel: Any, left: Any, out: Any, column: Any) -> Any:
    """`out[first : first + 4, column : column + 32]` becomes those rows times 32 columns of a panel, from `left` on.

    Compiled code of arrays would write its sums to memory after each step; so the steps are told to LLVM one by one.
    They count addresses themselves, so another layout, or numbers of another size, are refused when it is compiled.
    """
    if not (
        _fits(rows, 2, types.float32)
        and _fits(panel, 2, types.float32, types.int8)
        and _fits(out, 2, types.float32)
        and out.mutable
    ):
        raise TypingError(
            "A tile is of rows and sums of float32 and of a panel of float32 or int8, each in C order without gaps, not"
            f" of {rows}, {panel} and {out}: take numpy.ascontiguousarray."
        )

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def array(n: int) -> Any:
            return context.make_array(signature.args[n])(context, builder, arguments[n])

        def vector(of: Any, pointer: Any) -> Any:
            return builder.bitcast(pointer, ir.VectorType(of, LANES).as_pointer())

        def of_row(numbers: Any, row: int) -> Any:
            """Where a row of the tile begins."""
            width = steps.unpack_tuple(builder, numbers.shape)[1]
            return builder.gep(numbers.data, [builder.mul(builder.add(arguments[1], index(row)), width)])

        small = isinstance(panel.dtype, types.Integer)
        index, single = arguments[1].type, ir.FloatType()
        kind, align = (ir.IntType(8), 1) if small else (single, 4)
        lanes = ir.VectorType(single, LANES)
        unset, everywhere = ir.Constant(lanes, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
        numbers, matrix, result = array(0), array(2), array(4)
        begins = [of_row(numbers, row) for row in range(HIGH)]
        begin = builder.gep(matrix.data, [arguments[3]])
        sums = [
            [steps.alloca_once_value(builder, ir.Constant(lanes, None)) for _ in range(0, WIDE, LANES)]
            for _ in range(HIGH)
        ]
        with steps.for_range(builder, steps.unpack_tuple(builder, numbers.shape)[1]) as step:
            at, read = builder.gep(begin, [builder.mul(step.index, index(PANEL))]), []
            for j in range(0, WIDE, LANES):
                loaded = builder.load(vector(kind, builder.gep(at, [index(j)])), align=align)
                read.append(builder.sitofp(loaded, lanes) if small else loaded)
            for row in range(HIGH):
                one = builder.load(builder.gep(begins[row], [step.index]))
                same = builder.shuffle_vector(builder.insert_element(unset, one, ir.IntType(32)(0)), unset, everywhere)
                for many, sum_ in zip(read, sums[row], strict=True):
                    product = builder.fmul(same, many, flags=["contract"])
                    builder.store(builder.fadd(builder.load(sum_), product, flags=["contract"]), sum_)
        for row in range(HIGH):
            to = builder.gep(of_row(result, row), [arguments[5]])
            for j, sum_ in zip(range(0, WIDE, LANES), sums[row], strict=True):
                builder.store(builder.load(sum_), vector(single, builder.gep(to, [index(j)])), align=4)
        return context.get_dummy_value()

    return types.void(rows, first, panel, left, out, column), generate


def _fits(array: Any, dimensions: int, *kinds: Any) -> bool:
    """Whether numba's type of an array is one whose numbers lie side by side, of one of these kinds."""
    if not isinstance(array, types.Array) or array.ndim != dimensions:
        return False
    return array.layout == "C" and array.dtype in kinds


tile: Any = intrinsic(_tile)


@njit(cache=True, fastmath=EXACT, error_model="numpy")
def multiply(rows: Floats, panels: Numbers, out: Floats) -> None:
    """`out` (n, 64 p) becomes `rows` (n, k) times a matrix in panels (p, k, 64), of float32 or of 8 bits; k is a
    multiple of four.

    Each number is summed from the first input to the last, whether its row is one of four that are read together or
    stands alone. Raises ValueError for shapes that do not fit: bounds are checked nowhere behind this. Arrays of other
    kinds, or not in C order, are not compiled.
    """
    n, k = rows.shape
    fit = panels.shape[1] == k and panels.shape[2] == PANEL and out.shape[0] == n
    if k % 4 or not fit or out.shape[1] != panels.shape[0] * PANEL:
        raise ValueError("Rows (n, k) and panels (p, k, 64) give sums (n, 64 p), and k is a multiple of four.")
    for p in range(panels.shape[0]):
        panel = panels[p]
        for i in range(0, n - HIGH + 1, HIGH):
            for left in range(0, PANEL, WIDE):
                tile(rows, i, panel, left, out, p * PANEL + left)
        for i in range(n - n % HIGH, n):
            a, to = rows[i], out[i, p * PANEL : (p + 1) * PANEL]
            for j in range(PANEL):
                to[j] = np.float32(0)
            for x in range(0, k, 4):
                w0, w1, w2, w3 = panel[x], panel[x + 1], panel[x + 2], panel[x + 3]
                a0, a1, a2, a3 = a[x], a[x + 1], a[x + 2], a[x + 3]
                for j in range(PANEL):
                    v0, v1 = np.float32(w0[j]), np.float32(w1[j])
                    v2, v3 = np.float32(w2[j]), np.float32(w3[j])
                    to[j] = (((to[j] + a0 * v0) + a1 * v1) + a2 * v2) + a3 * v3


@njit(cache=True, error_model="numpy")
def rescale(out: Floats, scales: Floats) -> None:
    """Multiply each column of `out` (n, 64 p) by its own of `scales` (p, 64)."""
    for i in range(out.shape[0]):
        row = out[i]
        for p in range(scales.shape[0]):
            for j in range(PANEL):
                row[p * PANEL + j] *= scales[p, j]


def warm() -> None:
    """Compile each kernel here for the types it is used with."""
    rows, out = np.ones((1, 4), np.float32), np.empty((1, PANEL), np.float32)
    for panels in (np.ones((1, 4, PANEL), np.float32), np.ones((1, 4, PANEL), np.int8)):
        multiply(rows, panels, out)
    rescale(out, np.ones((1, PANEL), np.float32))
