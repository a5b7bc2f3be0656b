"""HyperLogLog: how many different keys a stream held, within 0.8 % and in 12 KB.

A hash chooses one of `m = 2^p` registers with its first `p` bits; the register keeps the longest run of zeros that
the remaining bits began with, plus one. Rare runs tell of many keys: relative error 1.04 / sqrt(m) (Flajolet, Fusy,
Gandouet and Meunier, AofA 2007). Two more ideas make it fit for work:

- few keys are kept as a table of hashes cut to 25 bits and their run, which converts to registers without loss and
  is nearly exact until then (Heule, Nunkesser and Hall, "HyperLogLog in Practice", EDBT 2013);
- the estimate uses the counts of register values with Ertl's corrections for small and large ranges, and so needs no
  tables of measured bias ("New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6).

Which form a sketch has, and every byte of it stored, depends on the set of keys alone, not on their order.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from math import inf, log, sqrt
from typing import TYPE_CHECKING, Self

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.envelope import DamagedError, seal, unseal
from windtunnel.blocks.ground.hashing import Batch, Key, Keys, stable_hash
from windtunnel.blocks.ground.numbers import whole
from windtunnel.tier import native

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SPARSE_PRECISION = 25
SPARSE_REST = 64 - SPARSE_PRECISION
RUN_BITS = 6
RUN_MASK = (1 << RUN_BITS) - 1
SMALLEST_TABLE = 16


class HyperLogLog(Block):
    """Counts different keys with a root-mean-square error of 1.04 / sqrt(2^precision): 0.81 % for 14.

    `precision` is 4 to 18. A sketch in dense form takes 2^precision bytes in memory and three quarters stored.

    Not for several threads at once: guard it with a lock, or keep one for each thread and merge. Safe among asyncio
    tasks, since no method awaits.
    """

    KIND, VERSION = "hyperloglog", 1

    def __init__(self, precision: int = 14) -> None:
        self.precision = whole(precision, "The precision", 4, 18)
        self._registers: bytearray | None = None
        """One run a register, or None while the sketch is sparse."""
        self._table = array("I", bytes(4 * SMALLEST_TABLE))
        """Open addressing by the upper bits; an entry is `upper bits << 6 | run`, and 0 is free."""
        self._used = 0
        if self._largest_table < SMALLEST_TABLE:
            self._become(bytearray(1 << self.precision))

    def _told(self) -> dict[str, object]:
        return {"precision": self.precision, "form": "sparse" if self.is_sparse else "dense"}

    @property
    def relative_error(self) -> float:
        """The root-mean-square error that the dense form has."""
        return 1.04 / sqrt(1 << self.precision)

    @property
    def is_sparse(self) -> bool:
        """Whether the sketch still holds a table of hashes."""
        return self._registers is None

    @property
    def _largest_table(self) -> int:
        """Entries of four bytes that take no more than the registers would."""
        return (1 << self.precision) // 4

    def add(self, key: Key) -> None:
        """Add one key."""
        h = stable_hash(key)
        if self._registers is None:
            self._put((h >> SPARSE_REST) << RUN_BITS | run_of(h, SPARSE_REST))
        else:
            rest = 64 - self.precision
            self._raise(self._registers, h >> rest, run_of(h, rest))

    def add_many(self, keys: Keys) -> None:
        """Add a batch."""
        for _, hashes in Batch(keys).blocks():
            self.add_hashes(hashes)

    def add_hashes(self, hashes: NDArray[np.uint64]) -> None:
        """`add_many` for those who have hashed the keys already."""
        import numpy as np

        from windtunnel.blocks.sketches.kernels.hyperloglog import add_dense, add_sparse, raise_registers

        done = 0
        while self._registers is None and done < hashes.size:
            table = np.frombuffer(self._table, np.uint32)
            done, self._used = add_sparse(table, self._used, room_in(len(table)), hashes, done)
            if done < hashes.size and not self._grow(hashes.size - done):
                registers = bytearray(1 << self.precision)
                raise_registers(np.frombuffer(registers, np.uint8), self.precision, table)
                self._become(registers)
        if self._registers is not None:
            add_dense(np.frombuffer(self._registers, np.uint8), self.precision, hashes, done)

    def estimate(self) -> float:
        """How many different keys were added."""
        if self._registers is None:
            counts = Counter(entry & RUN_MASK for entry in self._entries())
            counts[0] = (1 << SPARSE_PRECISION) - self._used
            return ertl_estimate(counts, SPARSE_PRECISION)
        return ertl_estimate(Counter(self._registers), self.precision)

    def merge(self, other: HyperLogLog) -> None:
        """Take in all keys of another sketch of the same precision; the result is exactly the sketch of both."""
        if not isinstance(other, HyperLogLog) or self.precision != other.precision:
            raise ValueError(f"Only sketches of the same precision can be merged, not {self!r} and {other!r}.")
        if other._registers is None:
            for entry in other._entries():
                self._put(entry)
        else:
            import numpy as np

            mine = np.frombuffer(self._dense(), np.uint8)
            np.maximum(mine, np.frombuffer(other._registers, np.uint8), out=mine)

    def _entries(self) -> Iterator[int]:
        return filter(None, self._table)

    def _put(self, entry: int) -> None:
        """Keep the longest run for the upper bits of an entry, in whatever form the sketch has."""
        if self._registers is not None:
            self._raise(self._registers, *converted(entry, self.precision))
            return
        table, mask = self._table, len(self._table) - 1
        at = (entry >> RUN_BITS) & mask
        while table[at] and table[at] >> RUN_BITS != entry >> RUN_BITS:
            at = (at + 1) & mask
        if table[at]:
            table[at] = max(table[at], entry)
        elif self._used < room_in(len(table)):
            table[at] = entry
            self._used += 1
        else:
            if not self._grow(1):
                self._dense()
            self._put(entry)

    def _raise(self, registers: bytearray, register: int, run: int) -> None:
        if run > registers[register]:
            registers[register] = run

    def _grow(self, keys: int) -> bool:
        """Grow the table for so many more keys, to twice its size at least; False where it may not grow."""
        size = len(self._table)
        if size == self._largest_table:
            return False
        while size < self._largest_table and (size == len(self._table) or room_in(size) < self._used + keys):
            size *= 2
        old, self._table, self._used = self._table, array("I", bytes(4 * size)), 0
        for entry in filter(None, old):
            self._put(entry)
        return True

    def _dense(self) -> bytearray:
        """The registers, made from the table if need be."""
        if self._registers is None:
            entries = list(self._entries())
            self._become(bytearray(1 << self.precision))
            for entry in entries:
                self._put(entry)
        assert self._registers is not None
        return self._registers

    def _become(self, registers: bytearray) -> None:
        self._registers = registers
        self._table, self._used = array("I"), 0

    def to_bytes(self) -> bytes:
        """The sketch in its stored form: four bytes an entry while sparse, six bits a register when dense."""
        if self._registers is None:
            entries = array("I", sorted(self._entries()))
            payload = b"".join(entry.to_bytes(4, "little") for entry in entries)
        else:
            payload = packed(self._registers)
        return seal(self.KIND, self.VERSION, {"precision": self.precision, "sparse": int(self.is_sparse)}, payload)

    @classmethod
    def from_bytes(cls, blob: bytes | bytearray | memoryview) -> Self:
        """The sketch that was stored; raises `DamagedError` for anything else."""
        header, payload = unseal(cls.KIND, cls.VERSION, blob)
        made = cls(header["precision"])
        if header["sparse"]:
            for at in range(0, len(payload), 4):
                made._put(int.from_bytes(payload[at : at + 4], "little"))
        else:
            if len(payload) != (3 << made.precision) // 4:
                raise DamagedError("The stored hyperloglog does not have the size that its header states.")
            made._become(unpacked(payload))
        return made


if not TYPE_CHECKING and native is not None:
    native.learn(hyperloglog_add=HyperLogLog.add, hyperloglog_put=HyperLogLog._put)

    class HyperLogLog(native.HyperLogLogCore, HyperLogLog):
        __doc__ = HyperLogLog.__doc__


def run_of(h: int, bits: int) -> int:
    """One more than the zeros that the lowest `bits` of a hash begin with."""
    return bits - (h & ((1 << bits) - 1)).bit_length() + 1


def room_in(table_size: int) -> int:
    """How many entries a table takes before it has to grow."""
    return table_size * 3 // 4


def converted(entry: int, precision: int) -> tuple[int, int]:
    """The register and the run that an entry of the table stands for."""
    upper, run = entry >> RUN_BITS, entry & RUN_MASK
    between = SPARSE_PRECISION - precision
    bits = upper & ((1 << between) - 1)
    return upper >> between, between - bits.bit_length() + 1 if bits else between + run


def ertl_estimate(counts: Mapping[int, int], precision: int) -> float:
    """The number of keys from how many registers hold each value; registers number `2^precision`."""
    m, longest = 1 << precision, 64 - precision
    if counts.get(0, 0) == m:
        return 0.0
    z = m * _tau(1 - counts.get(longest + 1, 0) / m)
    for run in range(longest, 0, -1):
        z = (z + counts.get(run, 0)) / 2
    z += m * _sigma(counts.get(0, 0) / m)
    return m * m / (2 * log(2) * z) if z else inf


def _sigma(x: float) -> float:
    """The correction for registers that are still zero; `x` is their share, below 1."""
    total, before, weight = x, -1.0, 1.0
    while total != before:
        before = total
        x *= x
        total += x * weight
        weight *= 2
    return total


def _tau(x: float) -> float:
    """The correction for registers that can grow no more; `x` is the share of the others."""
    if x in (0.0, 1.0):
        return 0.0
    total, before, weight = 1 - x, -1.0, 1.0
    while total != before:
        before = total
        x = sqrt(x)
        weight /= 2
        total -= (1 - x) ** 2 * weight
    return total / 3


def packed(registers: bytearray) -> bytes:
    """Six bits a register, four registers in three bytes."""
    import numpy as np

    runs = np.frombuffer(registers, np.uint8).reshape(-1, 4).astype(np.uint32)
    words = runs[:, 0] | runs[:, 1] << 6 | runs[:, 2] << 12 | runs[:, 3] << 18
    return words.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


def unpacked(payload: bytes) -> bytearray:
    """The registers that were packed."""
    import numpy as np

    parts = np.frombuffer(payload, np.uint8).reshape(-1, 3).astype(np.uint32)
    words = parts[:, 0] | parts[:, 1] << 8 | parts[:, 2] << 16
    runs = np.stack([words >> shift & RUN_MASK for shift in (0, 6, 12, 18)], axis=1)
    return bytearray(runs.astype(np.uint8).tobytes())
