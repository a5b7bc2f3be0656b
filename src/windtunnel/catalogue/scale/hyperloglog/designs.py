"""Ways for each shard to remember who came, and for somebody else to say how many there were.

One of them is made for each day and shard, and another one for who adds up; between them goes what `store` returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from heapq import nsmallest
from math import log
from typing import Protocol

from windtunnel import Stage
from windtunnel.blocks.ground import stable_hash
from windtunnel.blocks.sketches import HyperLogLog

ONE_IN = 20
"""Visits, of which one is looked at by who takes samples."""
HASH_BYTES = 5  # unclaimed: as well with one more or less
"""Of a hash that is kept."""


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def precision(self) -> int: ...


class Totals:
    """What those have in common who can say no more than totals: who is among both follows from three of them."""

    def both(self, one: Sequence[bytes], other: Sequence[bytes]) -> float:
        """How many different visitors are among both: those of one, and of the other, less those of either."""
        return self.total(one) + self.total(other) - self.total([*one, *other])

    def total(self, parts: Sequence[bytes]) -> float:
        """How many different visitors the shards have seen that sent these."""
        raise NotImplementedError


class Exact:
    """A set of all visitors."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.seen = set[str]()

    def add(self, visitor: str) -> None:
        """A visit."""
        self.seen.add(visitor)

    def store(self) -> bytes:
        """What a shard sends to who adds up."""
        return "\n".join(sorted(self.seen)).encode()

    def total(self, parts: Sequence[bytes]) -> float:
        """How many different visitors the shards have seen that sent these."""
        return len(self.union(parts))

    def both(self, one: Sequence[bytes], other: Sequence[bytes]) -> float:
        """How many different visitors are among both."""
        return len(self.union(one) & self.union(other))

    def union(self, parts: Sequence[bytes]) -> set[str]:
        """Who was seen by any of them."""
        return {visitor for part in parts for visitor in part.decode().split()}


class SumOfShards(Totals, Exact):
    """The same, and each shard sends how many it has seen: the counts are added."""

    def store(self) -> bytes:
        return len(self.seen).to_bytes(8, "little")

    def total(self, parts: Sequence[bytes]) -> float:
        return sum(int.from_bytes(part, "little") for part in parts)


class SampleOfVisits(Exact):
    """A set of the visitors of one visit in twenty; what is in it counts twenty times."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.visits = 0

    def add(self, visitor: str) -> None:
        self.visits += 1  # unclaimed: counted by threes, one in twenty is taken still
        if self.visits % ONE_IN == 0:
            self.seen.add(visitor)

    def total(self, parts: Sequence[bytes]) -> float:
        return ONE_IN * super().total(parts)

    def both(self, one: Sequence[bytes], other: Sequence[bytes]) -> float:
        return ONE_IN * super().both(one, other)  # unclaimed: who is in both samples is a matter of chance


class LeastHashes:
    """The least hashes that were seen, in as many bytes as registers have: how close they lie tells how many came."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.most = (3 << p.precision) // (4 * HASH_BYTES)
        self.seen = set[int]()

    def add(self, visitor: str) -> None:
        self.seen.add(stable_hash(visitor) >> 64 - 8 * HASH_BYTES)
        if len(self.seen) > 2 * self.most:  # unclaimed: how often it is cut; what a shard sends is the same
            self.seen = set(nsmallest(self.most, self.seen))

    def store(self) -> bytes:
        return b"".join(one.to_bytes(HASH_BYTES, "big") for one in nsmallest(self.most, self.seen))

    def total(self, parts: Sequence[bytes]) -> float:
        least = self.least(parts)
        if len(least) < self.most:
            return len(least)
        return (self.most - 1) / self.known(least)  # unclaimed: one of thousands

    def both(self, one: Sequence[bytes], other: Sequence[bytes]) -> float:
        """What both have, over the part of all hashes of which it is known of both who came."""
        some, others = self.least(one), self.least(other)
        return len({*some} & {*others}) / min(self.known(some), self.known(others))

    def least(self, parts: Sequence[bytes]) -> list[bytes]:
        """The least of all that the shards have sent."""
        return nsmallest(
            self.most, {part[i : i + HASH_BYTES] for part in parts for i in range(0, len(part), HASH_BYTES)}
        )

    def known(self, least: Sequence[bytes]) -> float:
        """Up to which part of all hashes there is no other than these: all, where they are fewer than are sent."""
        if len(least) < self.most:
            return 1.0
        return int.from_bytes(least[-1], "big") / 256.0**HASH_BYTES


class LinearCounting(Totals):
    """A bit for each visitor's hash, in as many bits as HyperLogLog has; the bits that are left tell how many came."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.size = 6 << p.precision
        self.bits = bytearray(self.size // 8)

    def add(self, visitor: str) -> None:
        at = stable_hash(visitor) * self.size >> 64
        self.bits[at >> 3] |= 1 << (at & 7)

    def store(self) -> bytes:
        return bytes(self.bits)

    def total(self, parts: Sequence[bytes]) -> float:
        either = reduce(int.__or__, (int.from_bytes(part, "little") for part in parts))
        left = self.size - either.bit_count()
        return self.size * log(self.size / max(left, 1))


class RawHyperLogLog(Totals):
    """Registers of the longest run of zeros, and their harmonic mean as it is, without corrections."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.precision = p.precision
        self.registers = bytearray(1 << p.precision)

    def add(self, visitor: str) -> None:
        h, rest = stable_hash(visitor), 64 - self.precision
        run = rest - (h & (1 << rest) - 1).bit_length() + 1
        if run > self.registers[h >> rest]:
            self.registers[h >> rest] = run

    def store(self) -> bytes:
        return bytes(self.registers)

    def total(self, parts: Sequence[bytes]) -> float:
        m = 1 << self.precision
        alpha = 0.7213 / (1 + 1.079 / m)  # unclaimed: a small part of the error that registers have anyway
        total: float = sum(2.0**-run for run in map(max, zip(*parts, strict=True)))
        return alpha * m * m / total


class MergedHyperLogLog(Totals):
    """HyperLogLog: few visitors nearly exactly, many within its error, and shards are merged."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.sketch = HyperLogLog(p.precision)

    def add(self, visitor: str) -> None:
        self.sketch.add(visitor)

    def store(self) -> bytes:
        return self.sketch.to_bytes()

    def total(self, parts: Sequence[bytes]) -> float:
        merged = HyperLogLog(self.sketch.precision)
        for part in parts:
            merged.merge(HyperLogLog.from_bytes(part))
        return merged.estimate()
