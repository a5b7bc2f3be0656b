"""Bloom filter: a set that answers "certainly not" or "probably", in ten bits a key.

Each key sets `k` bits of `m`; a key is probably in the set when all its bits are set. Nothing is ever missed, and a
stranger is taken for a member with probability `(1 - e^(-kn/m))^k` after `n` keys (Bloom 1970). One hash of the key
gives all its places (`hashing.places`). Double hashing (Kirsch and Mitzenmacher, "Less Hashing, Same Performance",
2006) costs the same and keeps the rate in large filters, but small ones at low rates were seen to err up to 14 % above
the theory with it.

The methods for single keys are the text to read; the batches say the same in compiled code, and so do the methods
themselves where the compiled tier was built.
"""

from __future__ import annotations

from math import ceil, exp, log
from typing import TYPE_CHECKING, Any, Self

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.envelope import DamagedError, seal, unseal
from windtunnel.blocks.ground.hashing import WORD, Batch, Key, Keys, places, stable_hash
from windtunnel.blocks.ground.numbers import number, whole
from windtunnel.tier import native

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_KEYS = 1 << 52
"""More have no exact size in bits as floats tell it, and no machine has the memory."""


def checked_guarantee(capacity: int, error_rate: float) -> tuple[int, float]:
    """Capacity and error rate as plain numbers; refuses what no filter can promise."""
    held = whole(capacity, "The capacity of a filter", 1, MOST_KEYS)
    rate = number(error_rate, "An error rate")
    if not 0 < rate < 1:
        raise ValueError(f"An error rate lies between 0 and 1, both excluded; {rate} does not.")
    return held, rate


def check_alike(mine: Any, other: Any, *settings: str) -> None:
    """Refuse to merge what is of another kind or was made with other settings."""
    if type(other) is not type(mine) or any(getattr(mine, name) != getattr(other, name) for name in settings):
        raise ValueError("Only filters of one kind, made with the same capacity and error rate, can be merged.")


def error_rate_of(size_bits: int, hash_count: int, keys: float) -> float:
    """The chance that a stranger is taken for a member after so many keys."""
    return (1 - exp(-hash_count * keys / size_bits)) ** hash_count


def smallest_filter(capacity: int, error_rate: float) -> tuple[int, int]:
    """The fewest bits, and the number of hashes with them, that keep the error rate at capacity."""
    ideal = -log(error_rate) / log(2)
    sizes = {k: -k * capacity / log(1 - error_rate ** (1 / k)) for k in (max(1, int(ideal)), int(ideal) + 1)}
    hash_count = min(sizes, key=lambda k: sizes[k])
    return ceil(sizes[hash_count] / 8) * 8, hash_count


class BloomFilter(Block):
    """Holds `capacity` keys; takes at most `error_rate` of all strangers for members while it is not beyond that.

    Beyond its capacity it goes on without a false negative, at a worse error rate (`error_rate_now`).

    Not for several threads at once: a write is a read, a change and a write; guard it with a lock. Safe among asyncio
    tasks, since no method awaits.
    """

    KIND, VERSION = "bloom filter", 1

    def __init__(self, capacity: int, error_rate: float = 0.01) -> None:
        self.capacity, self.error_rate = checked_guarantee(capacity, error_rate)
        self.size_bits, self.hash_count = smallest_filter(self.capacity, self.error_rate)
        self._bits = bytearray(self.size_bits // 8)

    def _told(self) -> dict[str, object]:
        return {"capacity": self.capacity, "error_rate": self.error_rate, "size_bits": self.size_bits}

    def _places(self, key: Key) -> tuple[int, ...]:
        return places(stable_hash(key), self.size_bits, self.hash_count)

    def add(self, key: Key) -> bool:
        """Add one key; True if it was certainly not there before."""
        bits, new = self._bits, False
        for place in self._places(key):
            bit = 1 << (place & 7)
            if not bits[place >> 3] & bit:
                bits[place >> 3] |= bit
                new = True
        return new

    def __contains__(self, key: Key) -> bool:
        bits = self._bits
        for place in self._places(key):  # noqa: SIM110  (a generator for `all` would cost as much as the rest)
            if not bits[place >> 3] >> (place & 7) & 1:
                return False
        return True

    def add_many(self, keys: Keys) -> int:
        """Add a batch; returns how many of them were certainly not there before."""
        return sum(self.add_hashes(hashes)[1] for _, hashes in Batch(keys).blocks())

    def contains_many(self, keys: Keys) -> NDArray[np.bool_]:
        """For each key of a batch whether it is probably there."""
        import numpy as np

        batch = Batch(keys)
        out = np.empty(len(batch), np.bool_)
        for start, hashes in batch.blocks():
            self._contains_into(hashes, out[start : start + hashes.size])
        return out

    def add_hashes(self, hashes: NDArray[np.uint64], start: int = 0, room: int = WORD >> 1) -> tuple[int, int]:
        """Add keys by their hashes from `start` on, until `room` of them were new.

        Returns the index of the first one not added, and how many were new.
        """
        from windtunnel.blocks.sketches.kernels.bloom import add

        stop, new = add(self._array(), self.size_bits, self.hash_count, hashes, start, room)
        return int(stop), int(new)

    def contains_hashes(self, hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """`contains_many` for those who have hashed the keys already."""
        import numpy as np

        out = np.empty(hashes.size, np.bool_)
        self._contains_into(hashes, out)
        return out

    def _contains_into(self, hashes: NDArray[np.uint64], out: NDArray[np.bool_]) -> None:
        from windtunnel.blocks.sketches.kernels.bloom import contains

        contains(self._array(), self.size_bits, self.hash_count, hashes, out)

    def _array(self) -> NDArray[np.uint8]:
        import numpy as np

        return np.frombuffer(self._bits, np.uint8)

    @property
    def fill(self) -> float:
        """The share of bits that are set; about a half at capacity."""
        return int.from_bytes(self._bits, "little").bit_count() / self.size_bits

    @property
    def error_rate_now(self) -> float:
        """The chance that a stranger is taken for a member now."""
        return self.fill**self.hash_count

    def approximate_count(self) -> float:
        """How many different keys were added, estimated from the fill (Swamidass and Baldi 2007)."""
        empty = 1 - self.fill
        return -self.size_bits / self.hash_count * log(empty) if empty else float("inf")

    def merge(self, other: BloomFilter) -> None:
        """Take in all keys of a filter that was made with the same capacity and error rate."""
        check_alike(self, other, "size_bits", "hash_count")
        mine = self._array()
        mine |= other._array()

    def to_bytes(self) -> bytes:
        """The filter in its stored form."""
        header = {
            "capacity": self.capacity,
            "error_rate": self.error_rate,
            "size_bits": self.size_bits,
            "hash_count": self.hash_count,
        }
        return seal(self.KIND, self.VERSION, header, bytes(self._bits))

    @classmethod
    def from_bytes(cls, blob: bytes | bytearray | memoryview) -> Self:
        """The filter that was stored; raises `DamagedError` for anything else."""
        header, payload = unseal(cls.KIND, cls.VERSION, blob)
        if len(payload) * 8 != header["size_bits"]:
            raise DamagedError("The stored bloom filter does not have the size that its header states.")
        made = cls.__new__(cls)
        made.capacity, made.error_rate = header["capacity"], header["error_rate"]
        made.size_bits, made.hash_count = header["size_bits"], header["hash_count"]
        made._bits = bytearray(payload)
        return made


if not TYPE_CHECKING and native is not None:
    native.learn(bloom_add=BloomFilter.add, bloom_contains=BloomFilter.__contains__, bloom_places=BloomFilter._places)

    class BloomFilter(native.BloomCore, BloomFilter):
        __doc__ = BloomFilter.__doc__
