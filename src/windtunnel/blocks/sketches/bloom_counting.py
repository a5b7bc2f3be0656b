"""Counting Bloom filter: a counter of four bits in the place of each bit, so that a key can be taken out again.

Fan, Cao, Almeida and Broder, "Summary Cache", 2000. A counter that reaches 15 stays there for good, as its true value
is lost; with half of the counters in use that happens to about one in 10**15.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.envelope import DamagedError, seal, unseal
from windtunnel.blocks.ground.hashing import Batch, Key, Keys, places, stable_hash
from windtunnel.blocks.sketches.bloom import check_alike, checked_guarantee, smallest_filter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STUCK = 15


class CountingBloomFilter(Block):
    """Holds `capacity` keys; takes at most `error_rate` of all strangers for members while it is not beyond that.

    Only what was added may be removed: removing a stranger that the filter takes for a member takes counts from
    others, and may make it miss one of them. Adding a key twice needs two removals.

    Not for several threads at once: guard it with a lock. Safe among asyncio tasks, since no method awaits.
    """

    KIND, VERSION = "counting bloom filter", 1

    def __init__(self, capacity: int, error_rate: float = 0.01) -> None:
        self.capacity, self.error_rate = checked_guarantee(capacity, error_rate)
        self.counters, self.hash_count = smallest_filter(self.capacity, self.error_rate)
        self._nibbles = bytearray(self.counters // 2)

    def _told(self) -> dict[str, object]:
        return {"capacity": self.capacity, "error_rate": self.error_rate, "counters": self.counters}

    def _places(self, key: Key) -> tuple[int, ...]:
        return places(stable_hash(key), self.counters, self.hash_count)

    def _counter(self, place: int) -> int:
        return self._nibbles[place >> 1] >> 4 * (place & 1) & STUCK

    def _change(self, places: Iterable[int], by: int) -> None:
        for place in places:
            if self._counter(place) != STUCK:
                self._nibbles[place >> 1] += by << 4 * (place & 1)

    def add(self, key: Key) -> None:
        """Add one key."""
        self._change(self._places(key), 1)

    def remove(self, key: Key) -> None:
        """Take out a key that was added; raises `KeyError`, and changes nothing, if it is certainly not there.

        A key two of whose counters are one and the same was there only if that one counts two.
        """
        places = self._places(key)
        if any(self._counter(place) < min(STUCK, times) for place, times in Counter(places).items()):
            raise KeyError(key)
        self._change(places, -1)

    def __contains__(self, key: Key) -> bool:
        return all(map(self._counter, self._places(key)))

    def add_many(self, keys: Keys) -> None:
        """Add a batch."""
        from windtunnel.blocks.sketches.kernels.bloom import add_counting

        for _, hashes in Batch(keys).blocks():
            add_counting(self._array(), self.counters, self.hash_count, hashes)

    def remove_many(self, keys: Keys) -> NDArray[np.bool_]:
        """Take out a batch; tells for each key whether it was there to be taken out."""
        import numpy as np

        from windtunnel.blocks.sketches.kernels.bloom import remove_counting

        batch = Batch(keys)
        out = np.empty(len(batch), np.bool_)
        for start, hashes in batch.blocks():
            remove_counting(self._array(), self.counters, self.hash_count, hashes, out[start : start + hashes.size])
        return out

    def contains_many(self, keys: Keys) -> NDArray[np.bool_]:
        """For each key of a batch whether it is probably there."""
        import numpy as np

        from windtunnel.blocks.sketches.kernels.bloom import contains_counting

        batch = Batch(keys)
        out = np.empty(len(batch), np.bool_)
        for start, hashes in batch.blocks():
            contains_counting(self._array(), self.counters, self.hash_count, hashes, out[start : start + hashes.size])
        return out

    def _array(self) -> NDArray[np.uint8]:
        import numpy as np

        return np.frombuffer(self._nibbles, np.uint8)

    def merge(self, other: CountingBloomFilter) -> None:
        """Take in all keys of a filter that was made with the same capacity and error rate."""
        import numpy as np

        check_alike(self, other, "counters", "hash_count")
        mine, theirs = self._array(), other._array()
        low = np.minimum((mine & STUCK) + (theirs & STUCK), STUCK)
        high = np.minimum((mine >> 4) + (theirs >> 4), STUCK)
        mine[:] = low | high << 4

    def to_bytes(self) -> bytes:
        """The filter in its stored form."""
        header = {
            "capacity": self.capacity,
            "error_rate": self.error_rate,
            "counters": self.counters,
            "hash_count": self.hash_count,
        }
        return seal(self.KIND, self.VERSION, header, bytes(self._nibbles))

    @classmethod
    def from_bytes(cls, blob: bytes | bytearray | memoryview) -> Self:
        """The filter that was stored; raises `DamagedError` for anything else."""
        header, payload = unseal(cls.KIND, cls.VERSION, blob)
        if len(payload) * 2 != header["counters"]:
            raise DamagedError("The stored counting bloom filter does not have the size that its header states.")
        made = cls.__new__(cls)
        made.capacity, made.error_rate = header["capacity"], header["error_rate"]
        made.counters, made.hash_count = header["counters"], header["hash_count"]
        made._nibbles = bytearray(payload)
        return made
