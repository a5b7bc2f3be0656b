"""Chunks whose ends depend on what stands near them, not on how far from the start it stands.

FastCDC (Xia et al., *FastCDC: a Fast and Efficient Content-Defined Chunking Approach for Data Deduplication*, USENIX
ATC 2016; *The Design of Fast Content-Defined Chunking for Data Deduplication Based Storage Systems*, IEEE TPDS 2020).
A rolling hash of the last 64 bytes is looked at after each byte; where certain bits of it are all zero, a chunk ends.
A byte inserted changes the chunk it falls into and rarely the next: all others are found again by their digests.

- *Gear hash*: shift by one bit, add a number drawn for the byte. What is 64 bytes back has been shifted out.
- *Minimum*: no end is looked for in the first `min_bytes`, which also skips the work there.
- *Normalised chunking*: up to the average size more bits have to be zero, beyond it fewer, so that sizes gather around
  the average and few chunks end at `max_bytes` for want of a better place.
- *Two bytes a step* (2020): ends are looked for from an even offset on, and up to one.

Gear numbers and masks are those of the `fastcdc` crate for Rust (module v2020) and `pyfastcdc`, so that the ends
are the same: stores that exchange chunks must agree on every one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from windtunnel.blocks.chunks.chunking import as_bytes, as_view
from windtunnel.blocks.ground.block import Block

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from windtunnel.blocks.chunks.chunking import Bytes

_WORD = (1 << 64) - 1

MASKS = {
    5: 0x0000000001804110,
    6: 0x0000000001803110,
    7: 0x0000000018035100,
    8: 0x0000001800035300,
    9: 0x0000019000353000,
    10: 0x0000590003530000,
    11: 0x0000D90003530000,
    12: 0x0000D90103530000,
    13: 0x0000D90303530000,
    14: 0x0000D90313530000,
    15: 0x0000D90F03530000,
    16: 0x0000D90303537000,
    17: 0x0000D90703537000,
    18: 0x0000D90707537000,
    19: 0x0000D91707537000,
    20: 0x0000D91747537000,
    21: 0x0000D91767537000,
    22: 0x0000D93767537000,
    23: 0x0000D93777537000,
    24: 0x0000D93777577000,
    25: 0x0000DB3777577000,
}
"""Masks of so many bits, spread so that all of the 64-byte window has a say."""


class FastCDC(Block):
    """Content-defined chunks. Has no state: safe for threads and tasks."""

    def __init__(
        self,
        average_bytes: int = 16384,
        *,
        min_bytes: int | None = None,
        max_bytes: int | None = None,
        normalization: int = 1,
    ) -> None:
        """Chunks of `average_bytes` (256 to 4 Mi), by default at least a quarter of it and at most four times it.

        `normalization` (0 to 3): how many bits more than usual are asked for below the average, and fewer above.
        Raises `ValueError` unless 64 <= minimum <= average <= maximum and 1024 <= maximum <= 16 Mi.
        """
        smallest = average_bytes // 4 if min_bytes is None else min_bytes
        largest = average_bytes * 4 if max_bytes is None else max_bytes
        if not 256 <= average_bytes <= 1 << 22:
            raise ValueError(f"The average size lies in 256 .. {1 << 22} bytes; got {average_bytes}.")
        if not 64 <= smallest <= average_bytes:
            raise ValueError(f"The smallest size lies in 64 .. {average_bytes} bytes, the average; got {smallest}.")
        if not max(1024, average_bytes) <= largest <= 1 << 24:
            raise ValueError(f"The largest size lies in {max(1024, average_bytes)} .. {1 << 24} bytes; got {largest}.")
        if not 0 <= normalization <= 3:
            raise ValueError(f"The normalization lies in 0 .. 3; got {normalization}.")
        self.min_bytes = smallest
        self.average_bytes = average_bytes
        self.max_bytes = largest
        bits = math.floor(math.log2(average_bytes) + 0.5)
        self.masks = (MASKS[bits + normalization], MASKS[bits - normalization])

    def _told(self) -> dict[str, object]:
        return {"average_bytes": self.average_bytes, "min_bytes": self.min_bytes, "max_bytes": self.max_bytes}

    def cut_points(self, data: Bytes) -> NDArray[np.int64]:
        """The end of each chunk of `data`, ascending; the last is its length. Empty data has no chunks."""
        import numpy as np

        from windtunnel.blocks.chunks.kernels.fastcdc import cut_points

        buffer = as_bytes(data)
        ends = np.empty(buffer.size // max(1, self.min_bytes - 1) + 1, np.int64)
        sizes = np.array([self.min_bytes, self.average_bytes, self.max_bytes], np.uint64)
        return ends[: cut_points(buffer, sizes, np.array(self.masks, np.uint64), _tables(), ends)]

    def plain_cut_points(self, data: Bytes) -> list[int]:
        """The same in plain Python: the text to read, and the kernel's oracle."""
        view, ends, start = as_view(data), [], 0
        while start < len(view):
            start += plain_cut(view[start:], self.min_bytes, self.average_bytes, self.max_bytes, *self.masks)
            ends.append(start)
        return ends


def plain_cut(data: Sequence[int], min_bytes: int, average_bytes: int, max_bytes: int, hard: int, easy: int) -> int:
    """The length of the first chunk of `data`: hash after hash, with the `hard` mask first, then the `easy`."""
    left = min(len(data), max_bytes)
    if left <= min_bytes:
        return left
    numbers, hashed = gear(), 0
    middle = min(left, average_bytes) // 2 * 2
    for at in range(min_bytes // 2 * 2, left // 2 * 2):
        hashed = (hashed << 1) + numbers[data[at]] & _WORD
        if not hashed & (hard if at < middle else easy):
            return at
    return left


@cache
def gear() -> tuple[int, ...]:
    """The number of each byte: the front of the MD5 of 64 times the byte, which is as good as drawn by lot."""
    from hashlib import md5

    return tuple(int.from_bytes(md5(bytes([b]) * 64, usedforsecurity=False).digest()[:8], "big") for b in range(256))


@cache
def _tables() -> NDArray[np.uint64]:
    import numpy as np

    from windtunnel.blocks.chunks.kernels.fastcdc import tables

    return tables(np.array(gear(), np.uint64))
