"""Keys to hashes: the one place where the blocks turn what they are given into 64-bit words.

Every key has one hash, the same for a single key, an item of a list, an element of a NumPy array and a value of an
Arrow column, today and on another machine: XXH3 in 64 bits with seed 0 (Yann Collet, https://xxhash.com) of the key's
bytes. A text is its UTF-8, so ``"a"`` and ``b"a"`` are the same key. An integer is its eight little-endian bytes in
two's complement, so -1 and 2**64 - 1 are the same key, and other integers lie outside the domain.

Python's own ``hash()`` is not used: it is salted per process, so what it builds can be neither stored nor shared, and
it buys nothing here, since compiled code walks a list and hashes the bytes of its strings faster than an iterator
can hand out their cached hashes.

XXH3 is no defence: whoever chooses the keys can make them collide.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from xxhash import xxh3_64_intdigest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WORD = (1 << 64) - 1
MULTIPLIER = 6364136223846793005
"""Knuth's, of the generator of MMIX."""

Key: TypeAlias = str | bytes | int


class ArrowColumn(Protocol):
    """A pyarrow ``Array`` of strings, binaries or integers, or a ``ChunkedArray`` of them."""

    @property
    def type(self) -> Any: ...
    @property
    def null_count(self) -> int: ...
    def __len__(self) -> int: ...


Keys: TypeAlias = "Iterable[str] | Iterable[bytes] | Iterable[int] | NDArray[Any] | ArrowColumn"
"""A batch: a list is walked fastest among Python's own, a NumPy or Arrow array needs no Python objects at all."""

_OFFSET_BITS = {"string": 32, "binary": 32, "large_string": 64, "large_binary": 64}


def stable_hash(key: Key) -> int:
    """The hash of one key, below 2**64.

    Raises ``ValueError`` for an integer outside -2**63 to 2**64 - 1, a text that has no UTF-8 (a lone surrogate) and
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


def stable_hashes(keys: Keys) -> NDArray[np.uint64]:
    """The hashes of a batch, in its order; each equals ``stable_hash`` of the key.

    A list of strings that are not ASCII keeps their UTF-8 in the string objects, as CPython does. Raises ``ValueError``
    for what ``stable_hash`` refuses, for a float or nested array, and for a column with nulls.
    """
    import numpy as np

    if isinstance(keys, np.ndarray):
        return _hash_array(keys)
    if hasattr(keys, "null_count") and hasattr(keys, "type"):
        return _hash_arrow(keys)
    if isinstance(keys, str | bytes):
        raise ValueError("A batch of keys is a list or an array; for one key use the method for single items.")
    return _hash_list(keys if type(keys) is list else list(keys))


def places(h: int, size: int, count: int) -> list[int]:
    """So many places among ``size`` for a key with this hash.

    The hash seeds a multiplicative generator, and the upper bits of each of its values are scaled to the size.
    """
    found = []
    for _ in range(count):
        found.append(h * size >> 64)
        h = h * MULTIPLIER & WORD
    return found


def _hash_list(keys: list[Any]) -> NDArray[np.uint64]:
    import numpy as np

    from windtunnel.blocks.kernels.hashing import hash_list

    out = np.empty(len(keys), np.uint64)
    done = 0
    while (done := hash_list(id(keys), done, len(keys), id(str), id(bytes), id(int), out)) < len(keys):
        out[done] = stable_hash(keys[done])  # a subclass, a large integer, or an error
        done += 1
    return out


def _hash_array(keys: NDArray[Any]) -> NDArray[np.uint64]:
    import numpy as np

    from windtunnel.blocks.kernels.hashing import hash_words

    if keys.ndim != 1:
        raise ValueError(f"A batch of keys has one dimension, not {keys.ndim}.")
    if keys.dtype.kind in "SUO":
        return _hash_list(keys.tolist())
    if keys.dtype.kind not in "iu":
        raise ValueError(f"An array of keys holds integers, texts or bytes, not {keys.dtype}.")
    wide = np.int64 if keys.dtype.kind == "i" else np.uint64
    words = np.ascontiguousarray(keys, wide).view(np.uint64)
    out = np.empty(words.size, np.uint64)
    hash_words(words, out)
    return out


def _hash_arrow(column: Any) -> NDArray[np.uint64]:
    import numpy as np

    from windtunnel.blocks.kernels.hashing import hash_offsets

    if column.null_count:
        raise ValueError(f"The column has {column.null_count} nulls, which are no keys: drop them first.")
    if hasattr(column, "chunks"):
        return np.concatenate([np.empty(0, np.uint64), *map(_hash_arrow, column.chunks)])
    kind = str(column.type)
    if kind.lstrip("u").startswith("int"):
        return _hash_array(column.to_numpy(zero_copy_only=False))
    if kind not in _OFFSET_BITS:
        raise ValueError(f"A column of keys holds strings, binaries or integers, not {kind}: cast it first.")
    out = np.empty(len(column), np.uint64)
    if len(column):
        _, offsets, values = column.buffers()
        width = np.int32 if _OFFSET_BITS[kind] == 32 else np.int64
        of_ours = np.frombuffer(offsets, width)[column.offset : column.offset + len(column) + 1]
        hash_offsets(of_ours, values.address if values else 0, out)
    return out
