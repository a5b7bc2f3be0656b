"""Blocked Bloom filter: all bits of a key lie in one cache line, so that a look costs one miss and not `k`.

A key's hash chooses one block of 512 bits, and its `k` bits lie there. Blocks fill unevenly, so the filter needs some
more bits than the classic one for the same error rate; how many is computed here from the Poisson mixture of block
loads (Putze, Sanders and Singler, "Cache-, Hash- and Space-Efficient Bloom Filters", 2007). It pays once a filter is
larger than the processor's caches.
"""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING, Any, Self

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.envelope import DamagedError, seal, unseal
from windtunnel.blocks.ground.hashing import WORD, Batch, Key, Keys, stable_hash
from windtunnel.blocks.sketches.bloom import check_alike, checked_guarantee

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BLOCK_BITS = 512
BLOCK_BYTES = BLOCK_BITS // 8
MOST_HASHES = 16
SALTS = tuple(stable_hash(i) | 1 for i in range(MOST_HASHES))
"""Odd multipliers: the upper nine bits of `hash * salt` are a place within the block."""


def error_rate_of_blocks(keys_per_block: float, hash_count: int) -> float:
    """The chance that a stranger is taken for a member when blocks hold so many keys on average."""
    rate, chance = 0.0, exp(-keys_per_block)
    for keys in range(1, int(keys_per_block + 10 * keys_per_block**0.5 + 20)):
        chance *= keys_per_block / keys
        rate += chance * (1 - (1 - 1 / BLOCK_BITS) ** (keys * hash_count)) ** hash_count
    return rate


def smallest_blocked_filter(capacity: int, error_rate: float) -> tuple[int, int]:
    """The fewest blocks, within a hundredth, and the number of hashes, that keep the error rate at capacity."""
    bits_per_key = -log(error_rate) / log(2) ** 2
    while True:
        for hash_count in range(1, MOST_HASHES + 1):
            if 0.4 < hash_count / bits_per_key < 0.8:
                blocks = int(capacity * bits_per_key / BLOCK_BITS) + 1
                if error_rate_of_blocks(capacity / blocks, hash_count) <= error_rate:
                    return blocks, hash_count
        bits_per_key *= 1.01
        if bits_per_key > 40:
            raise ValueError(f"A blocked filter cannot keep an error rate of {error_rate}: use a BloomFilter.")


class BlockedBloomFilter(Block):
    """Holds `capacity` keys; takes at most `error_rate` of all strangers for members while it is not beyond that.

    Not for several threads at once: guard it with a lock. Safe among asyncio tasks, since no method awaits.
    """

    KIND, VERSION = "blocked bloom filter", 1

    def __init__(self, capacity: int, error_rate: float = 0.01) -> None:
        self.capacity, self.error_rate = checked_guarantee(capacity, error_rate)
        self.blocks, self.hash_count = smallest_blocked_filter(self.capacity, self.error_rate)
        self._words = _aligned_words(self.blocks * 8)

    def _told(self) -> dict[str, object]:
        return {"capacity": self.capacity, "error_rate": self.error_rate, "size_bits": self.size_bits}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        words, self._words = self._words, _aligned_words(self._words.size)  # a copy begins anywhere
        self._words[:] = words

    @property
    def size_bits(self) -> int:
        """The memory of the filter."""
        return self.blocks * BLOCK_BITS

    def _block_and_mask(self, key: Key) -> tuple[slice, int]:
        h = stable_hash(key)
        mask = 0
        for salt in SALTS[: self.hash_count]:
            mask |= 1 << ((h * salt & WORD) >> 55)
        start = (h * self.blocks >> 64) * BLOCK_BYTES
        return slice(start, start + BLOCK_BYTES), mask

    def add(self, key: Key) -> bool:
        """Add one key; True if it was certainly not there before."""
        block, mask = self._block_and_mask(key)
        view = self._words.data.cast("B")
        bits = int.from_bytes(view[block], "little")
        view[block] = (bits | mask).to_bytes(BLOCK_BYTES, "little")
        return bits & mask != mask

    def __contains__(self, key: Key) -> bool:
        block, mask = self._block_and_mask(key)
        return int.from_bytes(self._words.data.cast("B")[block], "little") & mask == mask

    def add_many(self, keys: Keys) -> int:
        """Add a batch; returns how many of them were certainly not there before."""
        from windtunnel.blocks.sketches.kernels.bloom import add_blocked

        salts = self._salts()
        return sum(int(add_blocked(self._words, self.blocks, salts, hashes)) for _, hashes in Batch(keys).blocks())

    def contains_many(self, keys: Keys) -> NDArray[np.bool_]:
        """For each key of a batch whether it is probably there."""
        import numpy as np

        from windtunnel.blocks.sketches.kernels.bloom import contains_blocked

        batch, salts = Batch(keys), self._salts()
        out = np.empty(len(batch), np.bool_)
        for start, hashes in batch.blocks():
            contains_blocked(self._words, self.blocks, salts, hashes, out[start : start + hashes.size])
        return out

    def _salts(self) -> NDArray[np.uint64]:
        import numpy as np

        return np.array(SALTS[: self.hash_count], np.uint64)

    def merge(self, other: BlockedBloomFilter) -> None:
        """Take in all keys of a filter that was made with the same capacity and error rate."""
        check_alike(self, other, "blocks", "hash_count")
        self._words |= other._words

    def to_bytes(self) -> bytes:
        """The filter in its stored form."""
        header = {
            "capacity": self.capacity,
            "error_rate": self.error_rate,
            "blocks": self.blocks,
            "hash_count": self.hash_count,
        }
        return seal(self.KIND, self.VERSION, header, self._words.astype("<u8").tobytes())

    @classmethod
    def from_bytes(cls, blob: bytes | bytearray | memoryview) -> Self:
        """The filter that was stored; raises `DamagedError` for anything else."""
        import numpy as np

        header, payload = unseal(cls.KIND, cls.VERSION, blob)
        if len(payload) != header["blocks"] * BLOCK_BYTES:
            raise DamagedError("The stored blocked bloom filter does not have the size that its header states.")
        made = cls.__new__(cls)
        made.capacity, made.error_rate = header["capacity"], header["error_rate"]
        made.blocks, made.hash_count = header["blocks"], header["hash_count"]
        made._words = _aligned_words(made.blocks * 8)
        made._words[:] = np.frombuffer(payload, "<u8")
        return made


def _aligned_words(count: int) -> NDArray[np.uint64]:
    """Zeros that begin at the start of a cache line."""
    import numpy as np

    raw = np.zeros(count + 8, np.uint64)
    skip = -raw.ctypes.data % BLOCK_BYTES // 8
    return raw[skip : skip + count]
