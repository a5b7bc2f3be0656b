"""Binary fuse filter: a set that is made once and answers "certainly not" or "probably", in nine bits a key.

A key has three cells, one in each of three neighbouring segments, and a fingerprint; the cells are filled so that for
every key the three of them, one xor the other, are its fingerprint. A stranger's three cells make its own fingerprint
by chance once in `2^bits`. So a cell costs `bits`, and there are about 1.13 cells a key where keys are many (1.25 where
they are ten thousand); a Bloom filter of the same error rate takes 1.44 bits for each of them (Graf and Lemire, "Binary
Fuse Filters: Fast and Smaller Than Xor Filters", 2022).

It is filled by peeling: a cell that only one key has can always be made right in the end, so this key is put aside and
its other cells have a key less. Where all keys can be put aside, cells are filled from the last to the first; where
not, other cells are tried (another seed), and after some of those a segment more of them: at the end of a plateau of
the paper's sizes, 11,521 keys for one, no seed of a hundred fits half of the time (FastFilter/xor_singleheader, issue
77). Hence all keys have to be there at once, and none can be added or taken away.
"""

from __future__ import annotations

import itertools
from array import array
from math import ceil, log
from typing import TYPE_CHECKING, Any, Self

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.envelope import DamagedError, seal, unseal
from windtunnel.blocks.ground.hashing import WORD, Batch, Key, Keys, stable_hash
from windtunnel.blocks.ground.numbers import whole
from windtunnel.blocks.sketches.count_min import little_endian

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEW = 100_000
"""Keys of a plain list that are not worth loading compiled code for: a second, where it takes ten to compile."""
SEEDS_A_SEGMENT = 10
"""That are tried before there is a segment more."""
LONGEST_SEGMENT = 1 << 18
KINDS = {8: "B", 16: "H"}
"""What an array of fingerprints of so many bits is made of."""


def shape_of(keys: int) -> tuple[int, int]:
    """Cells of a segment (a power of two), and segments, for so many keys: the paper's, found by experiment."""
    many = max(keys, 2)
    segment = min(1 << int(log(many) / log(3.33) + 2.25), LONGEST_SEGMENT)
    factor = max(1.125, 0.875 + 0.25 * log(1e6) / log(many))
    return segment, max(3, ceil(round(many * factor) / segment))


def mixed(h: int) -> int:
    """A hash stirred, so that its upper bits, its lower bits and those between tell nothing of each other."""
    h ^= h >> 33
    h = h * 0xFF51AFD7ED558CCD & WORD
    h ^= h >> 33
    h = h * 0xC4CEB9FE1A85EC53 & WORD
    return h ^ h >> 33


class BinaryFuseFilter(Block):
    """Holds the keys it is made with; takes one stranger of `2^bits` for a member.

    Args:
        keys: all of them, in any order; one that is there twice counts once, and so do two of one 64-bit hash.
        bits: 8 or 16, of a fingerprint.

    Raises:
        ValueError: for a key that is none.
    """

    KIND, VERSION = "binary fuse filter", 1

    def __init__(self, keys: Keys, bits: int = 8) -> None:
        self.bits = whole(bits, "The bits of a fingerprint", 8, 16)
        if self.bits not in KINDS:
            raise ValueError(f"A fingerprint has 8 bits or 16, not {bits}.")
        if isinstance(keys, list | tuple | set | frozenset | range) and len(keys) <= FEW:
            hashes: list[int] | NDArray[np.uint64] = sorted({stable_hash(key) for key in keys})
        else:
            hashes = _distinct(keys)
        self.count = len(hashes)
        for self.seed in itertools.count(1):
            if self.seed % SEEDS_A_SEGMENT == 1:
                self._lay_out()
            if self._fill(hashes) if isinstance(hashes, list) else self._fill_compiled(hashes):
                return

    def _lay_out(self) -> None:
        self._segment, self._segments = shape_of(self.count)
        self._segments += (self.seed - 1) // SEEDS_A_SEGMENT
        self._starts = (self._segments - 2) * self._segment
        """The cells at which the first of a key's three may lie."""
        self._cells = array(KINDS[self.bits], bytes(self.bits // 8 * self._segments * self._segment))

    def _told(self) -> dict[str, object]:
        return {"keys": self.count, "bits": self.bits, "size_bits": self.size_bits}

    def _places(self, h: int) -> tuple[int, int, int]:
        first, mask = h * self._starts >> 64, self._segment - 1
        return first, (first + self._segment) ^ (h >> 18 & mask), (first + 2 * self._segment) ^ (h & mask)

    def _print(self, h: int) -> int:
        return (h ^ h >> 32) & self._mask

    def _fill(self, hashes: list[int]) -> bool:
        """Fill the cells for this seed; False where some keys cannot be peeled."""
        cells = self._cells
        counts, xors = [0] * len(cells), [0] * len(cells)
        for one in hashes:
            h = mixed(one ^ self.seed)
            for place in self._places(h):
                counts[place] += 1
                xors[place] ^= h
        alone = [place for place, count in enumerate(counts) if count == 1]
        peeled: list[tuple[int, int]] = []
        while alone:
            own = alone.pop()
            if counts[own] != 1:
                continue
            h = xors[own]
            peeled.append((h, own))
            for place in self._places(h):
                counts[place] -= 1
                xors[place] ^= h
                if counts[place] == 1:
                    alone.append(place)
        if len(peeled) != len(hashes):
            return False
        for h, own in reversed(peeled):
            a, b, c = self._places(h)
            cells[own] = self._print(h) ^ cells[a] ^ cells[b] ^ cells[c]
        return True

    def _fill_compiled(self, hashes: NDArray[np.uint64]) -> bool:
        from windtunnel.blocks.sketches.kernels.fuse import fill

        return bool(fill(hashes, self.seed, self._starts, self._segment, self._mask, self._array()))

    @property
    def _mask(self) -> int:
        return (1 << self.bits) - 1

    def _array(self) -> NDArray[Any]:
        import numpy as np

        return np.frombuffer(self._cells, f"u{self.bits // 8}")

    def __len__(self) -> int:
        """How many different keys it was made with."""
        return self.count

    def __contains__(self, key: Key) -> bool:
        h = mixed(stable_hash(key) ^ self.seed)
        a, b, c = self._places(h)
        cells = self._cells
        return self._print(h) == cells[a] ^ cells[b] ^ cells[c]

    def contains_many(self, keys: Keys) -> NDArray[np.bool_]:
        """For each key of a batch whether it is probably there."""
        import numpy as np

        from windtunnel.blocks.sketches.kernels.fuse import contains

        batch = Batch(keys)
        out = np.empty(len(batch), np.bool_)
        for start, hashes in batch.blocks():
            found = out[start : start + hashes.size]
            contains(hashes, self.seed, self._starts, self._segment, self._mask, self._array(), found)
        return out

    @staticmethod
    def bits_a_key(keys: int, bits: int = 8) -> float:
        """What so many keys take, each, where one of the first seeds fits."""
        segment, segments = shape_of(keys)
        return bits * segment * segments / max(keys, 1)

    @property
    def size_bits(self) -> int:
        """The bits of all cells."""
        return self.bits * len(self._cells)

    @property
    def error_rate(self) -> float:
        """The chance that a stranger is taken for a member."""
        return 2.0**-self.bits

    def to_bytes(self) -> bytes:
        """The filter in its stored form: `bits` a cell."""
        header = {"bits": self.bits, "count": self.count, "seed": self.seed}
        return seal(self.KIND, self.VERSION, header, little_endian(self._cells).tobytes())

    @classmethod
    def from_bytes(cls, blob: bytes | bytearray | memoryview) -> Self:
        """The filter that was stored; raises `DamagedError` for anything else."""
        header, payload = unseal(cls.KIND, cls.VERSION, blob)
        made = cls.__new__(cls)
        made.bits, made.count, made.seed = header["bits"], header["count"], header["seed"]
        made._lay_out()
        if len(payload) != made.size_bits // 8:
            raise DamagedError("The stored binary fuse filter does not have the size that its header states.")
        made._cells = little_endian(array(KINDS[made.bits], payload))
        return made


def _distinct(keys: Any) -> NDArray[np.uint64]:
    """The different hashes of a batch, in order."""
    import numpy as np

    from windtunnel.blocks.ground.hashing import stable_hashes

    return np.unique(stable_hashes(keys))
