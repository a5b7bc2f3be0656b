"""What stands before a table and says which keys it certainly does not have.

They are made in every process that answers requests (`server.py`), and know only what they are told and what was
stored by the one before.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from windtunnel.blocks.caching import Cache
from windtunnel.blocks.sketches import (
    BinaryFuseFilter,
    BlockedBloomFilter,
    BloomFilter,
    CountingBloomFilter,
    ScalableBloomFilter,
)

KEY_BYTES = 21  # unclaimed: how many absent keys fit into as much memory is no matter of claims
"""A key here: `user:` and sixteen digits."""
YOUNG = 8  # unclaimed: any part will do, since it grows
"""The part of the expected keys with which the filter of newcomers begins; it grows."""


class NoFilter:
    """Ask the table, whatever key is asked for."""

    def __init__(self, *surroundings: object) -> None:
        """In the process of another server there are none."""

    def begin(self, expected: int, error: float) -> None:
        """Begin empty: so many keys are expected, and so many strangers may pass for members."""

    def add(self, key: str) -> None:
        """The table has this key now."""

    def remove(self, key: str) -> None:
        """It has it no longer."""

    def may_have(self, key: str) -> bool:
        """False where the table certainly does not have it: then nobody asks the table."""
        return True

    def absent(self, key: str) -> None:
        """The table was asked, and does not have it."""

    def store(self, keys: Iterable[str]) -> bytes:
        """What the next server begins with. Whoever walks through `keys`, all that the table has, reads the table."""
        return b""

    def load(self, stored: bytes) -> None:
        """Begin with what the server before has stored."""


class KeysInMemory(NoFilter):
    """A set of all keys, beside the table that has them."""

    def begin(self, expected: int, error: float) -> None:
        self.keys = set[str]()

    def add(self, key: str) -> None:
        self.keys.add(key)

    def remove(self, key: str) -> None:
        self.keys.discard(key)

    def may_have(self, key: str) -> bool:
        return key in self.keys

    def store(self, keys: Iterable[str]) -> bytes:
        return "\n".join(sorted(self.keys)).encode()

    def load(self, stored: bytes) -> None:
        self.keys = set(stored.decode().split())


class KnownAbsent(NoFilter):
    """A cache of keys that were asked for and not there, as large as a Bloom filter would be."""

    def begin(self, expected: int, error: float) -> None:
        size_bytes = BloomFilter(expected, error).size_bits // 8  # unclaimed: see KEY_BYTES
        self.known: Cache[str, bool] = Cache(max(1, size_bytes // KEY_BYTES))  # unclaimed: a cache of none is refused

    def add(self, key: str) -> None:
        self.known.delete(key)

    def may_have(self, key: str) -> bool:
        return self.known.get(key) is None

    def absent(self, key: str) -> None:
        self.known.set(key, True)


class Bloom(NoFilter):
    """A Bloom filter for the keys that are expected."""

    def begin(self, expected: int, error: float) -> None:
        self.filter: Any = self.made(expected, error)

    def made(self, expected: int, error: float) -> Any:
        """An empty filter."""
        return BloomFilter(expected, error)

    def add(self, key: str) -> None:
        self.filter.add(key)

    def may_have(self, key: str) -> bool:
        return key in self.filter

    def store(self, keys: Iterable[str]) -> bytes:
        return bytes(self.filter.to_bytes())

    def load(self, stored: bytes) -> None:
        self.filter = type(self.filter).from_bytes(stored)


class Salted(Bloom):
    """The same, with Python's own `hash` to choose the bits."""

    def add(self, key: str) -> None:
        self.filter.add(hash(key))

    def may_have(self, key: str) -> bool:
        return hash(key) in self.filter


class CacheLines(Bloom):
    """A Bloom filter, all bits of a key in one line of the processor's cache, as RocksDB has it."""

    def made(self, expected: int, error: float) -> Any:
        return BlockedBloomFilter(expected, error)


class Counting(Bloom):
    """Small counters in the place of bits, so that keys can be taken out."""

    def made(self, expected: int, error: float) -> Any:
        return CountingBloomFilter(expected, error)

    def remove(self, key: str) -> None:
        self.filter.remove(key)


class Growing(Bloom):
    """Another Bloom filter, twice as large, whenever the last one is full."""

    def made(self, expected: int, error: float) -> Any:
        return ScalableBloomFilter(expected, error)


class Fuse(NoFilter):
    """A binary fuse filter of what the table had when it was stored, a growing Bloom filter of what came since."""

    def begin(self, expected: int, error: float) -> None:
        self.old = BinaryFuseFilter([])  # unclaimed: the first server is not asked
        self.young = ScalableBloomFilter(max(1, expected // YOUNG), error)  # unclaimed: see YOUNG

    def add(self, key: str) -> None:
        self.young.add(key)

    def may_have(self, key: str) -> bool:
        return key in self.old or key in self.young

    def store(self, keys: Iterable[str]) -> bytes:
        return BinaryFuseFilter(list(keys)).to_bytes()

    def load(self, stored: bytes) -> None:
        self.old = BinaryFuseFilter.from_bytes(stored)
