"""Tumbling event-time windows over arrays: what `windows` does event by event, at the speed of C.

>>> windows = BatchTumbling(60_000, delay_ms=1_000)
>>> windows.add([1, 2, 1], [1_000, 2_000, 70_000], [5.0, 6.0, 7.0]).keys.tolist()
[1, 2]

Counts, sums, least and greatest values are kept together; the reference in the tests is `WindowedAggregate` with
`Tumbling`, `Stats` and `BoundedDisorder`. The one difference: results are given out once for each call of
`add`, with all its corrections in them, and not event by event.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.envelope import seal, unseal
from windtunnel.blocks.ground.numbers import MOST, floats, plain_array
from windtunnel.blocks.streams.windows import FARTHEST_MS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

KIND, VERSION = "batch windows", 1
NOTHING_YET = -(2**62)


@dataclass(frozen=True)
class Results:
    """Windows that are complete, by columns, as they were first seen. `revision` 0 is a window's first result."""

    keys: NDArray[np.int64]
    start_ms: NDArray[np.int64]
    count: NDArray[np.int64]
    sum: NDArray[np.float64]
    least: NDArray[np.float64]
    greatest: NDArray[np.float64]
    revision: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.keys)


class BatchTumbling(Block):
    """Windows of `size_ms` whose watermark is `delay_ms` behind the newest event.

    Keys are int64 (strings: number them, or hash them), times int64 milliseconds, values float64: sums of integers are
    exact up to 2^53. Nulls, masked values and keys that do not fit are refused (`ValueError`) before anything is
    counted; a NaN makes its window's sum, least and greatest value NaN, whatever the order.

    `late` counts the events that came after their window and `allowed_lateness_ms`; which of the
    last batch they were is in `last_late`. Not safe for several threads.
    """

    def __init__(self, size_ms: int, *, delay_ms: int = 0, allowed_lateness_ms: int = 0, offset_ms: int = 0) -> None:
        import numpy as np

        if size_ms < 1 or delay_ms < 0 or allowed_lateness_ms < 0:
            raise ValueError("size_ms must be positive, delay_ms and allowed_lateness_ms not negative.")
        self.size_ms, self.delay_ms, self.allowed_lateness_ms = size_ms, delay_ms, allowed_lateness_ms
        self.offset_ms = offset_ms % size_ms
        self.late = 0
        self.last_late: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._newest_ms = NOTHING_YET
        self._rows: NDArray[np.float64] = np.empty((1024, 8))
        self._index: NDArray[np.int64] = np.zeros(2048, np.int64)
        self._used = 0

    def _told(self) -> dict[str, object]:
        return {"size_ms": self.size_ms, "panes": self._used, "watermark_ms": self.watermark_ms}

    @property
    def watermark_ms(self) -> int:
        """No event at or before this is expected any more."""
        return self._newest_ms - self.delay_ms - 1

    def add(
        self, keys: ArrayLike | Sequence[int], times_ms: ArrayLike | Sequence[int], values: ArrayLike | Sequence[float]
    ) -> Results:
        """Count a batch of events; returns the windows that are complete now, and those that late events corrected."""
        import numpy as np

        from windtunnel.blocks.streams.kernels import windows as kernels

        ids, times = _integers(keys, "keys"), _integers(times_ms, "times_ms")
        numbers = floats(np.asarray(values) if np.isscalar(values) else values, "values")
        if numbers.shape != ids.shape:
            if numbers.size != 1:
                raise ValueError(f"There are {ids.size} keys and {numbers.size} values.")
            numbers = np.full(ids.shape, numbers.flat[0])
        if ids.shape != times.shape:
            raise ValueError(f"There are {ids.size} keys and {times.size} times.")
        if times.size and not -FARTHEST_MS < int(times.min()) <= int(times.max()) < FARTHEST_MS:
            raise ValueError(f"times_ms lie within {FARTHEST_MS} ms of 1970; got {times.min()} to {times.max()}.")
        late = np.empty(ids.size, np.bool_)
        done, before = 0, self.watermark_ms
        while True:
            done, self._used, self._newest_ms = kernels.add(
                self._rows.view(np.int64), self._rows, self._index, self._used, ids, times, numbers, done,
                self.size_ms, self.offset_ms, self._newest_ms, self.delay_ms, self.allowed_lateness_ms, late,
            )  # fmt: skip
            if done == ids.size:
                break
            self._grow(4 * len(self._rows))
        self.last_late = late
        self.late += int(np.count_nonzero(late))
        return self._give_out(before)

    def finish(self) -> Results:
        """Nothing will ever come any more: everything that is left."""
        before = self.watermark_ms
        self._newest_ms = -NOTHING_YET
        return self._give_out(before)

    def _give_out(self, before_ms: int) -> Results:
        import numpy as np

        from windtunnel.blocks.streams.kernels import windows as kernels

        bits = self._rows.view(np.int64)
        complete = self._spans_ended_by(self.watermark_ms)
        found = 0
        if self.allowed_lateness_ms or complete > self._spans_ended_by(before_ms):
            found = kernels.count_complete(bits, self._used, complete)
        out = [np.empty(found, dtype) for dtype in (np.int64, np.int64, np.int64, float, float, float, np.int64)]
        if found:
            kernels.give_out(bits, self._rows, self._used, complete, self.size_ms, self.offset_ms, *out)
        over = self._spans_ended_by(self.watermark_ms - self.allowed_lateness_ms)
        if over > self._spans_ended_by(before_ms - self.allowed_lateness_ms):
            self._index[:] = 0
            self._used = kernels.keep(bits, self._index, self._used, over)
        return Results(*out)

    def _spans_ended_by(self, watermark_ms: int) -> int:
        """The number of the first span that is not complete at this watermark."""
        return (watermark_ms + 1 - self.offset_ms) // self.size_ms

    def _grow(self, size: int) -> None:
        import numpy as np

        from windtunnel.blocks.streams.kernels import windows as kernels

        rows = np.empty((size, 8))
        rows[: self._used] = self._rows[: self._used]
        self._rows, self._index = rows, np.zeros(2 * size, np.int64)
        kernels.keep(rows.view(np.int64), self._index, self._used, NOTHING_YET)

    def to_bytes(self) -> bytes:
        """The state, with version and checksum. Settings are not in it."""
        import numpy as np

        rows = self._rows[: self._used]
        header = {"newest_ms": self._newest_ms, "late": self.late, "rows": len(rows)}
        return seal(KIND, VERSION, header, rows.view(np.int64).astype("<i8").tobytes())

    def restore(self, data: bytes) -> None:
        """Take over the state that `to_bytes` of an object with the same settings gave.

        Raises `DamagedError`, and changes nothing, for anything else.
        """
        import numpy as np

        header, payload = unseal(KIND, VERSION, data)
        self._newest_ms, self.late, self._used = header["newest_ms"], header["late"], header["rows"]
        rows = np.frombuffer(payload, "<i8", 8 * self._used).astype(np.int64).reshape(-1, 8)
        size = 1024
        while size < self._used:
            size *= 2
        self._rows = rows.view(np.float64)
        self._grow(size)


def _integers(numbers: ArrayLike | Sequence[int], name: str) -> NDArray[np.int64]:
    import numpy as np

    array = plain_array(numbers, name)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ValueError(f"{name} must be a column of integers of 64 bits with sign; got {array.dtype}.")
    if array.dtype == np.uint64 and array.size and int(array.max()) > MOST:
        raise ValueError(f"{name} must be integers of 64 bits with sign, up to {MOST}; got {array.max()}.")
    return np.require(array, np.int64, ["C", "W"])  # the one kind of array that the kernels are compiled for
