"""Machine words: the few instructions that hashing needs and Numba does not offer.

Every kernel of the sketches and of placement rests on these. Numba's cache notices a change in the file of a kernel,
not in the files that it draws from: after a change here, delete the caches (`__pycache__`).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numba
from llvmlite import ir  # type: ignore[import-untyped]  # llvmlite has no types
from numba.extending import intrinsic

from windtunnel.blocks.ground import hashing

# Numba's annotations describe the Python side of a call and are wrong inside a kernel; there, its names are untyped.
njit: Any = numba.njit
types: Any = numba.types
uint64: Any = numba.uint64

inner: Any = njit(_nrt=False)
"""Compiles a part of kernels that gets arrays and makes none, so that nothing need be counted.

Otherwise each call counts the references to each array up and down again, atomically: where a part is called for every
key, that cost four times as much as its work.
"""

MULTIPLIER = uint64(hashing.MULTIPLIER)
Word: TypeAlias = Any
"""A uint64 inside a kernel: no Python type says it."""

KEYS = types.Array(types.uint64, 1, "C", readonly=True)
"""The type of a batch of hashes or integer keys: an array that the kernel only reads."""

_WORD = ir.IntType(64)
_DOUBLE_WORD = ir.IntType(128)


def _high_product(typing_context: Any, a: Any, b: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        wide = [builder.zext(x, _DOUBLE_WORD) for x in arguments]
        upper = builder.lshr(builder.mul(*wide), ir.Constant(_DOUBLE_WORD, 64))
        return builder.trunc(upper, _WORD)

    return types.uint64(types.uint64, types.uint64), build


high_product: Any = intrinsic(_high_product)
"""The upper 64 bits of the product of two words: `a * b >> 64`."""


def _reader(bits: int) -> Any:
    """An intrinsic that reads a little-endian word of so many bits at an address, aligned or not."""

    def read(typing_context: Any, address: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer())
            return builder.zext(builder.load(pointer, align=1), _WORD) if bits < 64 else builder.load(pointer, align=1)

        return types.uint64(types.uint64), build

    return intrinsic(read)


read_u64 = _reader(64)
read_u32 = _reader(32)
read_u8 = _reader(8)


@njit
def rotate_left(x: Word, bits: Word) -> Word:
    """Rotate a word: `x << bits | x >> 64 - bits`."""
    return (x << bits) | (x >> (uint64(64) - bits))


def _count_leading_zeros(typing_context: Any, x: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), build


leading_zeros: Any = intrinsic(_count_leading_zeros)
"""How many zero bits a word begins with; 64 for zero."""


def _count_trailing_zeros(typing_context: Any, x: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), build


trailing_zeros: Any = intrinsic(_count_trailing_zeros)
"""How many zero bits a word ends with, which is the place of its lowest one; 64 for zero."""


def _swap_bytes(typing_context: Any, x: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bswap(arguments[0])

    return types.uint64(types.uint64), build


swap_bytes: Any = intrinsic(_swap_bytes)
"""The word with its eight bytes in the opposite order."""


def warm() -> None:
    """Nothing to call: the words have no entry of their own, and kernels with a signature compile on import."""
