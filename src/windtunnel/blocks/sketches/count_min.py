"""Count-Min: how often each key came, in memory that does not grow with the keys, never too low.

`depth` rows of `width` counters; a key has one counter in each row, and the least of them is its estimate. Others
share the counters, so it is too high by more than `epsilon` of all counts with probability `delta` at most, if
`width = e / epsilon` and `depth = ln(1 / delta)` (Cormode and Muthukrishnan, "An Improved Data Stream Summary",
2005). The conservative form raises only the counters that have to rise: its estimates are closer, most of all on skewed
streams (Estan and Varghese, "New Directions in Traffic Measurement and Accounting", 2002).

It answers how often a key that you name came. To learn which keys came most, see `heavy_hitters`.
"""

from __future__ import annotations

import sys
from array import array
from math import ceil, e, log
from operator import add
from typing import TYPE_CHECKING, Any, Self

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.envelope import DamagedError, seal, unseal
from windtunnel.blocks.ground.hashing import Batch, Key, Keys, places, stable_hash
from windtunnel.blocks.ground.numbers import MOST, number, plain_array, whole
from windtunnel.tier import native

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class CountMin(Block):
    """Estimates are never below the truth, and above it by more than `epsilon * total` with probability `delta`.

    Not for several threads at once: guard it with a lock, or keep one for each thread and merge. Safe among asyncio
    tasks, since no method awaits.
    """

    KIND, VERSION = "count-min", 1

    def __init__(self, epsilon: float = 0.001, delta: float = 0.01, *, conservative: bool = False) -> None:
        self.epsilon, self.delta = number(epsilon, "Epsilon"), number(delta, "Delta")
        if not 0 < self.epsilon < 1 or not 0 < self.delta < 1:
            raise ValueError(f"Epsilon and delta lie between 0 and 1, both excluded; {epsilon} and {delta} do not.")
        self.conservative = bool(conservative)
        self.width = whole(ceil(e / self.epsilon), "The counters of a row, e / epsilon,", 1, 1 << 48)
        self.depth = ceil(log(1 / self.delta))
        self.total = 0
        """The sum of all counts."""
        self._counters = array("q", bytes(8 * self.width * self.depth))

    def _told(self) -> dict[str, object]:
        told: dict[str, object] = {"epsilon": self.epsilon, "delta": self.delta, "total": self.total}
        return told | ({"conservative": True} if self.conservative else {})

    def _cells(self, key: Key) -> list[int]:
        in_rows = places(stable_hash(key), self.width, self.depth)
        return list(map(add, in_rows, range(0, len(self._counters), self.width)))

    def add(self, key: Key, count: int = 1) -> None:
        """Count a key once, or so many times."""
        count = checked_count(count, self.total)
        counters, cells = self._counters, self._cells(key)
        self.total += count
        if self.conservative:
            least = min(counters[cell] for cell in cells) + count
            for cell in cells:
                counters[cell] = max(counters[cell], least)
        else:
            for cell in cells:
                counters[cell] += count

    def estimate(self, key: Key) -> int:
        """How often a key came, or more."""
        return min(self._counters[cell] for cell in self._cells(key))

    def add_many(self, keys: Keys, counts: NDArray[np.int64] | None = None) -> None:
        """Count a batch: each key once, or as often as `counts` says beside it."""
        from windtunnel.blocks.sketches.kernels.count_min import add, add_conservative

        batch = Batch(keys)
        weights, sum_of_counts = checked_counts(len(batch), counts, self.total)
        kernel = add_conservative if self.conservative else add
        for start, hashes in batch.blocks():
            kernel(self._array(), self.width, self.depth, hashes, counts_of_block(weights, start, hashes.size))
        self.total += sum_of_counts

    def estimate_many(self, keys: Keys) -> NDArray[np.int64]:
        """For each key of a batch how often it came, or more."""
        import numpy as np

        from windtunnel.blocks.sketches.kernels.count_min import estimate

        batch = Batch(keys)
        out = np.empty(len(batch), np.int64)
        for start, hashes in batch.blocks():
            estimate(self._array(), self.width, self.depth, hashes, out[start : start + hashes.size])
        return out

    def _array(self) -> NDArray[np.int64]:
        import numpy as np

        return np.frombuffer(self._counters, np.int64)

    def merge(self, other: CountMin) -> None:
        """Take in all counts of a sketch made with the same epsilon, delta and form."""
        if not isinstance(other, CountMin) or self._form() != other._form():
            raise ValueError("Only sketches made with the same epsilon, delta and form can be merged.")
        checked_count(other.total, self.total)
        counters = self._array()
        counters += other._array()
        self.total += other.total

    def _form(self) -> tuple[int, int, bool]:
        return self.width, self.depth, self.conservative

    def to_bytes(self) -> bytes:
        """The sketch in its stored form."""
        header = {
            "epsilon": self.epsilon,
            "delta": self.delta,
            "conservative": int(self.conservative),
            "width": self.width,
            "depth": self.depth,
            "total": self.total,
        }
        return seal(self.KIND, self.VERSION, header, little_endian(self._counters).tobytes())

    @classmethod
    def from_bytes(cls, blob: bytes | bytearray | memoryview) -> Self:
        """The sketch that was stored; raises `DamagedError` for anything else."""
        header, payload = unseal(cls.KIND, cls.VERSION, blob)
        made = cls(header["epsilon"], header["delta"], conservative=bool(header["conservative"]))
        made.width, made.depth, made.total = header["width"], header["depth"], header["total"]
        if len(payload) != 8 * made.width * made.depth:
            raise DamagedError("The stored count-min does not have the size that its header states.")
        made._counters = little_endian(array("q", payload))
        return made


if not TYPE_CHECKING and native is not None:
    native.learn(count_min_add=CountMin.add, count_min_cells=CountMin._cells, count_min_estimate=CountMin.estimate)

    class CountMin(native.CountMinCore, CountMin):
        __doc__ = CountMin.__doc__


def checked_count(count: int, total: int) -> int:
    """A count that may be added to the total: counters have 64 bits, and none is ever above the total."""
    plain = whole(count, "A count")
    whole(total + plain, "The sum of all counts")
    return plain


def checked_counts(size: int, counts: Any, total: int) -> tuple[NDArray[np.int64], int]:
    """Counts for a batch of so many keys, and their sum; without any, a single 1 stands for all of them.

    Raises `ValueError` where they are no counts, or would take the total beyond what 64 bits hold.
    """
    import numpy as np

    if counts is None:
        whole(total + size, "The sum of all counts")
        return np.ones(1, np.int64), size
    given = plain_array(counts, "Counts")
    if given.shape != (size,) or (size and given.dtype.kind not in "iuO"):
        raise ValueError(f"Counts are {size} integers, one a key, not {given.dtype} of shape {given.shape}.")
    if given.dtype.kind == "O" or (given.dtype.kind == "u" and size and given.max() > MOST):
        given = np.array([whole(one, "A count") for one in given.tolist()], np.int64)
    weights = np.ascontiguousarray(given, np.int64)
    if size and weights.min() < 0:
        raise ValueError(f"A count is at least 0, not {weights.min()}.")
    largest = int(weights.max(initial=0))
    added = int(weights.sum()) if largest * size <= MOST else sum(weights.tolist())
    whole(total + added, "The sum of all counts")
    return weights, added


def counts_of_block(weights: NDArray[np.int64], start: int, size: int) -> NDArray[np.int64]:
    """The counts that belong to a block of a batch."""
    return weights[start : start + size] if weights.size > 1 else weights


def little_endian(numbers: array[int]) -> array[int]:
    """The same numbers with their bytes in the stored order, or back."""
    if sys.byteorder == "little":
        return numbers
    swapped = numbers[:]
    swapped.byteswap()
    return swapped
