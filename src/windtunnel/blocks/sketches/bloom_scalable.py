"""Scalable Bloom filter: grows with its keys and still keeps its error rate.

A row of Bloom filters, each twice as large as the one before and allowed half of its error, so that all errors together
stay below the one that was asked for (Almeida, Baquero, Preguiça and Hutchison, "Scalable Bloom Filters", 2007). A key
goes to the last filter; when that is full, the next one is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.envelope import seal, unseal
from windtunnel.blocks.ground.hashing import Batch, Key, Keys
from windtunnel.blocks.sketches.bloom import BloomFilter, checked_guarantee

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GROWTH = 2
TIGHTENING = 0.5


class ScalableBloomFilter(Block):
    """Takes at most `error_rate` of all strangers for members, however many keys come.

    `capacity` is that of the first filter: the closer to what comes, the fewer filters a look has to ask.

    Not for several threads at once: guard it with a lock. Safe among asyncio tasks, since no method awaits.
    """

    KIND, VERSION = "scalable bloom filter", 1

    def __init__(self, capacity: int, error_rate: float = 0.01) -> None:
        self.capacity, self.error_rate = checked_guarantee(capacity, error_rate)
        self._filters: list[BloomFilter] = []
        self._count = 0
        self._room = 0

    def _told(self) -> dict[str, object]:
        told: dict[str, object] = {"capacity": self.capacity, "error_rate": self.error_rate, "keys": self._count}
        return told | {"filters": len(self._filters)}

    def __len__(self) -> int:
        """How many keys were found new and added; other keys may have passed for members."""
        return self._count

    @property
    def size_bits(self) -> int:
        """The memory of all filters."""
        return sum(one.size_bits for one in self._filters)

    def _open(self) -> BloomFilter:
        """The filter that takes the next key: the last one, or a new one when that is full."""
        if not self._room:
            i = len(self._filters)
            allowed = self.error_rate * (1 - TIGHTENING) * TIGHTENING**i
            self._filters.append(BloomFilter(self.capacity * GROWTH**i, allowed))
            self._room = self._filters[-1].capacity
        return self._filters[-1]

    def add(self, key: Key) -> bool:
        """Add one key; True if it was certainly not there before."""
        if key in self:
            return False
        self._open().add(key)
        self._count += 1
        self._room -= 1
        return True

    def __contains__(self, key: Key) -> bool:
        return any(key in one for one in reversed(self._filters))

    def add_many(self, keys: Keys) -> int:
        """Add a batch; returns how many of them were certainly not there before."""
        before = self._count
        for _, block in Batch(keys).blocks():
            self._add_hashes(block)
        return self._count - before

    def _add_hashes(self, hashes: NDArray[np.uint64]) -> None:
        for one in self._filters[:-1]:
            hashes = hashes[~one.contains_hashes(hashes)]
        while hashes.size:
            last = self._open()
            stop, new = last.add_hashes(hashes, room=self._room)
            self._count += new
            self._room -= new
            hashes = hashes[stop:]
            if hashes.size:
                hashes = hashes[~last.contains_hashes(hashes)]

    def contains_many(self, keys: Keys) -> NDArray[np.bool_]:
        """For each key of a batch whether it is probably there."""
        import numpy as np

        batch = Batch(keys)
        found = np.zeros(len(batch), np.bool_)
        for start, hashes in batch.blocks():
            missing = np.arange(hashes.size)
            for one in reversed(self._filters):
                missing = missing[~one.contains_hashes(hashes[missing])]
            found[start : start + hashes.size] = True
            found[start + missing] = False
        return found

    def to_bytes(self) -> bytes:
        """All filters in their stored form."""
        header = {
            "capacity": self.capacity,
            "error_rate": self.error_rate,
            "count": self._count,
            "room": self._room,
            "filters": len(self._filters),
        }
        parts = [one.to_bytes() for one in self._filters]
        sizes = b"".join(len(part).to_bytes(8, "little") for part in parts)
        return seal(self.KIND, self.VERSION, header, sizes + b"".join(parts))

    @classmethod
    def from_bytes(cls, blob: bytes | bytearray | memoryview) -> Self:
        """The filter that was stored; raises `DamagedError` for anything else."""
        header, payload = unseal(cls.KIND, cls.VERSION, blob)
        made = cls(header["capacity"], header["error_rate"])
        made._count, made._room = header["count"], header["room"]
        start = 8 * header["filters"]
        for i in range(header["filters"]):
            size = int.from_bytes(payload[8 * i : 8 * i + 8], "little")
            made._filters.append(BloomFilter.from_bytes(payload[start : start + size]))
            start += size
        return made
