"""Keys to hashes: the one place where the blocks turn what they are given into 64-bit words.

Every key has one hash, the same for a single key, an item of a list, an element of a NumPy array and a value of an
Arrow column, today and on another machine: XXH3 in 64 bits with seed 0 (Yann Collet, https://xxhash.com) of the key's
bytes. A text is its UTF-8, so `"a"` and `b"a"` are the same key. An integer is its eight little-endian bytes in
two's complement, so -1 and 2**64 - 1 are the same key, and other integers lie outside the domain.

Python's own `hash()` is not used: it is salted per process, so what it builds can be neither stored nor shared, and
it buys nothing here, since compiled code walks a list and hashes the bytes of its strings faster than an iterator
can hand out their cached hashes.

XXH3 is no defence: whoever chooses the keys can make them collide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from operator import index
from struct import Struct
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from xxhash import xxh3_64_intdigest

from windtunnel.tier import native

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORD = (1 << 64) - 1
MULTIPLIER = 6364136223846793005
"""Knuth's, of the generator of MMIX."""

Key: TypeAlias = str | bytes | int


class ArrowColumn(Protocol):
    """A pyarrow `Array` of strings, binaries or integers, or a `ChunkedArray` of them."""

    @property
    def type(self) -> Any: ...
    @property
    def null_count(self) -> int: ...
    def __len__(self) -> int: ...


Keys: TypeAlias = "Iterable[str] | Iterable[bytes] | Iterable[int] | NDArray[Any] | ArrowColumn"
"""A batch: a list is walked fastest among Python's own, a NumPy or Arrow array needs no Python objects at all."""

Source: TypeAlias = "tuple[int, Callable[[int, int, NDArray[np.uint64]], None]]"
"""How many keys there are, and what writes the hashes of those from a first index up to a last."""

BLOCK_KEYS = 1 << 15
"""Keys to a block: their hashes take a quarter of a megabyte."""

_OFFSET_BITS = {"string": 32, "binary": 32, "large_string": 64, "large_binary": 64}


def stable_hash(key: Key) -> int:
    """The hash of one key, below 2**64.

    Raises `ValueError` for an integer outside -2**63 to 2**64 - 1, a text that has no UTF-8 (a lone surrogate) and
    anything that is neither text, bytes nor integer.
    """
    if isinstance(key, str):
        return xxh3_64_intdigest(key.encode())
    if isinstance(key, bytes):
        return xxh3_64_intdigest(key)
    try:
        number = index(key)
    except TypeError:
        raise ValueError(f"A key is a str, bytes or int, not {type(key).__name__}.") from None
    if not -(1 << 63) <= number < 1 << 64:
        raise ValueError(f"An integer key lies between -2**63 and 2**64 - 1; {number} does not.")
    return xxh3_64_intdigest((number & WORD).to_bytes(8, "little"))


if not TYPE_CHECKING and native is not None:
    native.learn(stable_hash=stable_hash)


def stable_hashes(keys: Keys) -> NDArray[np.uint64]:
    """The hashes of a batch, in its order; each equals `stable_hash` of the key. Raises what `Batch` does."""
    import numpy as np

    batch = Batch(keys)
    out = np.empty(len(batch), np.uint64)
    batch.hash_into(out)
    return out


def plain_key(key: Key) -> Key:
    """The key as a plain str, bytes or int, to be kept and written down."""
    if isinstance(key, str):
        return str.__str__(key)
    return bytes(key) if isinstance(key, bytes) else int(index(key))


class Batch:
    """Many keys, to be hashed part by part.

    A list of strings that are not ASCII keeps their UTF-8 in the string objects, as CPython does. A batch refers to the
    keys it was given: do not change them before it is used up. Raises `ValueError` for what `stable_hash` refuses
    for a float or nested array, for masked values and for a column with nulls; `blocks` does so before it gives out
    the first block, so that whoever counts a batch has counted nothing of one with a bad key. For one thread.
    """

    def __init__(self, keys: Keys) -> None:
        import numpy as np

        if isinstance(keys, np.ndarray):
            self._sources = [_of_array(keys)]
            self._sure = keys.dtype.kind in "iu"
        elif hasattr(keys, "null_count") and hasattr(keys, "type"):
            self._sources = _of_column(keys)
            self._sure = True
        elif isinstance(keys, str | bytes | bytearray | memoryview) or not hasattr(keys, "__iter__"):
            raise ValueError("A batch of keys is a list or an array; for one key use the method for single items.")
        else:
            self._sources = [_of_list(keys if type(keys) is list else list(keys))]
            self._sure = False
        self._size = sum(size for size, _ in self._sources)

    def __len__(self) -> int:
        return self._size

    def hash_into(self, out: NDArray[np.uint64]) -> None:
        """Write the hashes of all keys."""
        done = 0
        for size, fill in self._sources:
            fill(0, size, out[done : done + size])
            done += size

    def blocks(self) -> Iterator[tuple[int, NDArray[np.uint64]]]:
        """The hashes block by block, each with the index of its first key.

        They mostly lie in the same memory, which stays in the processor's cache: use one before asking for the next.
        """
        import numpy as np

        done = 0
        if not self._sure and self._size > BLOCK_KEYS:  # one of the last keys may be none
            hashes = np.empty(self._size, np.uint64)
            self.hash_into(hashes)
            for start in range(0, self._size, BLOCK_KEYS):
                yield start, hashes[start : start + BLOCK_KEYS]
            return
        memory = np.empty(min(BLOCK_KEYS, self._size), np.uint64)
        for size, fill in self._sources:
            for start in range(0, size, BLOCK_KEYS):
                stop = min(start + BLOCK_KEYS, size)
                hashes = memory[: stop - start]
                fill(start, stop, hashes)
                yield done + start, hashes
            done += size


def places(h: int, size: int, count: int) -> tuple[int, ...]:
    """So many places among `size` (at most 2**64) for a key with this hash.

    The hash seeds a multiplicative generator, `h = h * MULTIPLIER % 2**64`, and each of its values is scaled to the
    size, `h * size >> 64`. All of them are had at once, twice as fast as one after the other: side by side in one
    long integer, in lanes of 128 bits.
    """
    powers, lower_halves, upper_halves = _lanes(count)
    return upper_halves.unpack(((h * powers & lower_halves) * size).to_bytes(upper_halves.size, "little"))


@cache
def _lanes(count: int) -> tuple[int, int, Struct]:
    """The powers of the multiplier, a lane each; a mask of the lanes' lower halves; what reads their upper halves."""
    powers = sum(pow(MULTIPLIER, i, 1 << 64) << 128 * i for i in range(count))
    return powers, sum(WORD << 128 * i for i in range(count)), Struct("<" + "8xQ" * count)


def _of_list(keys: list[Any]) -> Source:
    from windtunnel.blocks.ground.kernels.hashing import hash_list

    def fill(start: int, stop: int, out: NDArray[np.uint64]) -> None:
        at = start
        while (at := hash_list(id(keys), at, stop, id(str), id(bytes), id(int), out[at - start :])) < stop:
            out[at - start] = stable_hash(keys[at])  # a subclass, a large integer, or an error
            at += 1

    return len(keys), fill


def _of_array(keys: NDArray[Any]) -> Source:
    import numpy as np

    from windtunnel.blocks.ground.kernels.hashing import hash_words

    if keys.ndim != 1:
        raise ValueError(f"A batch of keys has one dimension, not {keys.ndim}.")
    if isinstance(keys, np.ma.MaskedArray):
        if np.ma.is_masked(keys):
            raise ValueError("The batch has masked values, which are no keys: drop them first.")
        keys = keys.data
    if keys.dtype.kind in "SUO":
        return _of_list(keys.tolist())
    if keys.dtype.kind not in "iu":
        raise ValueError(f"An array of keys holds integers, texts or bytes, not {keys.dtype}.")
    wide = np.int64 if keys.dtype.kind == "i" else np.uint64
    words = np.ascontiguousarray(keys, wide).view(np.uint64)
    return words.size, lambda start, stop, out: hash_words(words[start:stop], out)


def _of_column(column: Any) -> list[Source]:
    import numpy as np

    from windtunnel.blocks.ground.kernels.hashing import hash_offsets

    if column.null_count:
        raise ValueError(f"The column has {column.null_count} nulls, which are no keys: drop them first.")
    if hasattr(column, "chunks"):
        return [source for chunk in column.chunks for source in _of_column(chunk)]
    kind = str(column.type)
    if kind.lstrip("u").startswith("int"):
        return [_of_array(column.to_numpy(zero_copy_only=False))]
    if kind not in _OFFSET_BITS:
        raise ValueError(f"A column of keys holds strings, binaries or integers, not {kind}: cast it first.")
    if not len(column):
        return []
    _, offset_bytes, values = column.buffers()
    width = np.int32 if _OFFSET_BITS[kind] == 32 else np.int64
    offsets = np.frombuffer(offset_bytes, width)[column.offset : column.offset + len(column) + 1]

    def fill(start: int, stop: int, out: NDArray[np.uint64]) -> None:
        hash_offsets(offsets[start : stop + 1], values.address if values else 0, out)

    return [(len(column), fill)]
