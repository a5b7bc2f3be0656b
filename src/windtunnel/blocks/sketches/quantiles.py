"""DDSketch: quantiles of a stream, each within a fixed share of the true value, and sketches add up exactly.

A value falls into the bucket `ceil(log_gamma(value))` with `gamma = (1 + alpha) / (1 - alpha)`, and a bucket
answers with the one number that is within `alpha` of both its ends. So the 99th percentile of latencies that range
over five decades is as good as their median (Masson, Rim and Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch
with Relative-Error Guarantees", VLDB 2019).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from math import ceil, exp, inf, isfinite, log
from typing import TYPE_CHECKING, Any, Self

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.envelope import DamagedError, seal, unseal
from windtunnel.blocks.ground.numbers import floats, number, whole
from windtunnel.blocks.sketches.count_min import little_endian

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_ALPHA = 1e-12
"""Below it neighbouring buckets are closer than floats tell logarithms apart."""
LARGEST_LOG = 709.78
"""Just below the logarithm of the largest float."""


class Buckets:
    """Counts by bucket index: at most `most` neighbours; what lies below them all is counted in the lowest.

    For one thread.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.low = 0
        self.counts = array("q")

    def cover(self, low: int, high: int) -> None:
        """Make room for indices from `low` to `high`, as far as there may be."""
        if self.counts:
            low, high = min(low, self.low), max(high, self.low + len(self.counts) - 1)
        low = max(low, high - self.most + 1)
        if self.counts and low == self.low and high == self.low + len(self.counts) - 1:
            return
        counts = array("q", bytes(8 * (high - low + 1)))
        for index, count in enumerate(self.counts, self.low):
            if count:
                counts[max(index, low) - low] += count
        self.low, self.counts = low, counts

    def add(self, index: int, count: int) -> None:
        """Count an index so many times."""
        place = index - self.low
        if not 0 <= place < len(self.counts):
            self.cover(index, index)
            place = max(index - self.low, 0)
        self.counts[place] += count

    def merge(self, other: Buckets) -> None:
        """Take in all counts of another."""
        for index, count in enumerate(other.counts, other.low):
            if count:
                self.add(index, count)

    def trimmed(self) -> tuple[int, array[int]]:
        """The lowest index in use and the counts from there to the highest."""
        used = [i for i, count in enumerate(self.counts) if count]
        return (self.low + used[0], self.counts[used[0] : used[-1] + 1]) if used else (0, array("q"))


class DDSketch(Block):
    """Every quantile is within `alpha` of the true one: `abs(answer - true) <= alpha * abs(true)`.

    That holds while all magnitudes lie within `gamma ** max_buckets` of the largest (17 decades by default); beyond,
    the smallest magnitudes are counted together and only quantiles among them lose the guarantee.

    Not for several threads at once: guard it with a lock, or keep one for each thread and merge. Safe among asyncio
    tasks, since no method awaits.
    """

    KIND, VERSION = "ddsketch", 1

    def __init__(self, alpha: float = 0.01, max_buckets: int = 2048) -> None:
        self.alpha = number(alpha, "The relative error")
        if not LEAST_ALPHA <= self.alpha <= 1 - LEAST_ALPHA:
            raise ValueError(f"The relative error lies between {LEAST_ALPHA} and 1 - {LEAST_ALPHA}, not at {alpha}.")
        self.max_buckets = whole(max_buckets, "The number of buckets", 1)
        self._log_gamma = log((1 + self.alpha) / (1 - self.alpha))
        self._per_log = 1 / self._log_gamma
        self.count = 0
        self.zeros = 0
        self.minimum = inf
        self.maximum = -inf
        self._positive = Buckets(self.max_buckets)
        self._negative = Buckets(self.max_buckets)

    def _told(self) -> dict[str, object]:
        return {"alpha": self.alpha, "max_buckets": self.max_buckets, "count": self.count}

    def add(self, value: float) -> None:
        """Add one value; raises `ValueError` for what is not a finite number."""
        if type(value) is not float or not isfinite(value):
            value = number(value, "A value")
        self.count += 1
        if value < self.minimum:  # quicker than `min`
            self.minimum = value
        if value > self.maximum:
            self.maximum = value
        if value > 0:
            self._positive.add(ceil(log(value) * self._per_log), 1)
        elif value < 0:
            self._negative.add(ceil(log(-value) * self._per_log), 1)
        else:
            self.zeros += 1

    def add_many(self, values: NDArray[Any] | Iterable[float]) -> None:
        """Add a batch of numbers: a NumPy array, an Arrow column or anything that is a sequence of numbers."""
        import numpy as np

        from windtunnel.blocks.sketches.kernels.quantiles import add, extent

        numbers = floats(values, "Values")
        if numbers.ndim != 1 or not np.isfinite(numbers).all():
            raise ValueError("A batch is a row of finite numbers.")
        if not numbers.size:
            return
        for buckets, sign in ((self._positive, 1.0), (self._negative, -1.0)):
            smallest, largest = extent(numbers, sign)
            if largest > 0:
                buckets.cover(ceil(log(smallest) * self._per_log), ceil(log(largest) * self._per_log))
                counts = np.frombuffer(buckets.counts, np.int64)
                self.count += add(numbers, sign, self._per_log, buckets.low, counts)
        zeros = int(numbers.size - np.count_nonzero(numbers))
        self.zeros += zeros
        self.count += zeros
        self.minimum = min(self.minimum, float(numbers.min()))
        self.maximum = max(self.maximum, float(numbers.max()))

    def quantile(self, q: float) -> float:
        """The value that has the share `q` of all values below it: of rank `floor(q * (count - 1))`.

        The lowest and the highest are exact.
        Raises `ValueError` for an empty sketch.
        """
        if not 0 <= number(q, "A share") <= 1:
            raise ValueError(f"A quantile is asked for a share of 0 to 1, not {q}.")
        if not self.count:
            raise ValueError("An empty sketch has no quantiles: add values first.")
        rank = int(q * (self.count - 1))
        if rank in (0, self.count - 1):
            return self.maximum if rank else self.minimum
        left = rank
        negative, positive = self._negative, self._positive
        for index in range(negative.low + len(negative.counts) - 1, negative.low - 1, -1):
            left -= negative.counts[index - negative.low]
            if left < 0:
                return self._within(-self._middle(index))
        left -= self.zeros
        if left < 0:
            return 0.0
        for index, count in enumerate(positive.counts, positive.low):
            left -= count
            if left < 0:
                return self._within(self._middle(index))
        raise AssertionError("The buckets hold fewer values than were counted.")

    def _middle(self, index: int) -> float:
        """The number within `alpha` of all of a bucket: `2 * gamma**index / (gamma + 1)`."""
        return exp(min(index * self._log_gamma + log(1 - self.alpha), LARGEST_LOG))

    def _within(self, value: float) -> float:
        return min(max(value, self.minimum), self.maximum)

    def merge(self, other: DDSketch) -> None:
        """Take in all values of another of the same error; the result is exactly the sketch of both streams."""
        if not isinstance(other, DDSketch) or (self.alpha, self.max_buckets) != (other.alpha, other.max_buckets):
            raise ValueError("Only sketches made with the same alpha and number of buckets can be merged.")
        self._positive.merge(other._positive)
        self._negative.merge(other._negative)
        self.count += other.count
        self.zeros += other.zeros
        self.minimum = min(self.minimum, other.minimum)
        self.maximum = max(self.maximum, other.maximum)

    def to_bytes(self) -> bytes:
        """The sketch in its stored form."""
        parts = [self._negative.trimmed(), self._positive.trimmed()]
        header = {
            "alpha": self.alpha,
            "max_buckets": self.max_buckets,
            "zeros": self.zeros,
            "negative_low": parts[0][0],
            "negative_size": len(parts[0][1]),
            "positive_low": parts[1][0],
        }
        if self.count:
            header |= {"minimum": self.minimum, "maximum": self.maximum}
        return seal(self.KIND, self.VERSION, header, b"".join(little_endian(part).tobytes() for _, part in parts))

    @classmethod
    def from_bytes(cls, blob: bytes | bytearray | memoryview) -> Self:
        """The sketch that was stored; raises `DamagedError` for anything else."""
        header, payload = unseal(cls.KIND, cls.VERSION, blob)
        made = cls(header["alpha"], header["max_buckets"])
        counts = little_endian(array("q", payload))
        if not 0 <= header["negative_size"] <= len(counts):
            raise DamagedError("The stored ddsketch does not have the size that its header states.")
        made._negative.low, made._negative.counts = header["negative_low"], counts[: header["negative_size"]]
        made._positive.low, made._positive.counts = header["positive_low"], counts[header["negative_size"] :]
        made.zeros = header["zeros"]
        made.count = made.zeros + sum(counts)
        made.minimum, made.maximum = header.get("minimum", inf), header.get("maximum", -inf)
        return made
