"""Members of a compiled sorted set and their **ids**: small numbers, which are all that a kernel sees of a member.

Ids of members that left are given to those that come next, so the arrays grow with the set and not with its history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from windtunnel.blocks.ground.kernels import int_map
from windtunnel.blocks.ground.numbers import plain_array
from windtunnel.blocks.ordered.kernels.sorted_set import Members, move_texts, no_members, write_ties
from windtunnel.blocks.ordered.sorted_set_plain import MemberT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from windtunnel.blocks.ordered.sorted_set_plain import Batch

    Ids = NDArray[np.int64]

_PIECE = 512
"""Members that are looked up at once. NumPy touches each three times (to take it, to list it, to let it go); so few are
still in the nearest cache then, which makes long ranges a third faster than all at once."""


class Numbers(Protocol[MemberT]):
    """Which member has which id. `members` is what the kernels read; `score` in it belongs to them.

    `find` and `intern` return ids and words (see `kernels.sorted_set`).
    """

    kind: type[MemberT]
    members: Members

    def find(self, batch: Batch[MemberT]) -> tuple[Ids, Ids]:
        """For each member its id, -1 if it has none, and its word."""

    def intern(self, batch: Batch[MemberT]) -> tuple[Ids, Ids]:
        """For each member its id and its word; a member without an id gets one."""

    def release(self, ids: Ids, words: Ids) -> None:
        """Take back those of these ids whose members are not in the set (their score is NaN)."""

    def names(self, words: Ids) -> Sequence[MemberT] | NDArray[np.int64]:
        """The members with these words."""

    def plain(self, batch: Batch[MemberT]) -> list[MemberT]:
        """The members of a batch as a list of Python's own."""

    def pack(self, words: Ids) -> dict[str, NDArray[Any]]:
        """The members with these words as arrays to store."""

    def unpack(self, arrays: Mapping[str, NDArray[Any]]) -> Batch[MemberT]:
        """The members in arrays that `pack` made."""


def numbers_of(kind: type[MemberT]) -> Numbers[MemberT]:
    """The numbering for this kind of members."""
    if kind is int:
        return cast("Numbers[MemberT]", IntNumbers())
    if kind in (str, bytes):
        return cast("Numbers[MemberT]", TextNumbers(cast("type[str] | type[bytes]", kind)))
    raise ValueError(f"Members are int, str or bytes, not {kind!r}.")


def _with_room(members: Members, ids: int) -> Members:
    """The same members in arrays that hold `ids` of them."""
    new = no_members(max(ids, 2 * members.score.size), text=members.start.size > 0)
    for old, into in zip(members[:4], new[:4], strict=True):
        into[: old.size] = old
    return new._replace(text=members.text)


class IntNumbers:
    """Integers of 64 bits with sign, in a compiled hash table."""

    kind = int

    def __init__(self) -> None:
        self.members = no_members(16, text=False)
        self._table = int_map.empty_table(16)
        self._free = np.zeros(16, np.int64)
        self._next_and_free = np.zeros(2, np.int64)

    def find(self, batch: Batch[int]) -> tuple[Ids, Ids]:
        keys = _int64(batch)
        ids = np.empty(keys.size, np.int64)
        int_map.find_many(self._table, keys, ids)
        return ids, keys

    def intern(self, batch: Batch[int]) -> tuple[Ids, Ids]:
        keys = _int64(batch)
        ids = np.empty(keys.size, np.int64)
        most = int(self._next_and_free[0]) + keys.size
        if most > self.members.score.size:
            self.members = _with_room(self.members, most)
            self._free = np.concatenate([self._free, np.zeros(self.members.score.size - self._free.size, np.int64)])
            larger = int_map.empty_table(self.members.score.size)
            int_map.rehash(self._table, larger)
            self._table = larger
        int_map.intern_many(self._table, keys, ids, self._free, self._next_and_free)
        return ids, keys

    def release(self, ids: Ids, words: Ids) -> None:
        int_map.release_many(self._table, words, self.members.score, self._free, self._next_and_free)

    def names(self, words: Ids) -> NDArray[np.int64]:
        return words

    def plain(self, batch: Batch[int]) -> list[int]:
        listed: list[int] = _int64(batch).tolist()
        return listed

    def pack(self, words: Ids) -> dict[str, NDArray[Any]]:
        return {"member": words}

    def unpack(self, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
        return arrays["member"]


class TextNumbers:
    """Text (as UTF-8) or bytes, in a dictionary; their bytes lie one after another in `members.text`."""

    def __init__(self, kind: type[str] | type[bytes]) -> None:
        self.kind = kind
        self.members = no_members(16, text=True)
        self._ids: dict[Any, int] = {}
        self._names = np.empty(16, np.object_)  # by id; an array, since it gives out a thousand at once
        self._next = 0
        self._free: list[int] = []
        self._written = 0  # of members.text
        self._live = 0  # of what is written

    def find(self, batch: Batch[Any]) -> tuple[Ids, Ids]:
        names = _list(batch)
        return (ids := self._known(names)), ids

    def intern(self, batch: Batch[Any]) -> tuple[Ids, Ids]:
        names = _list(batch)
        ids = self._known(names)
        unknown = np.flatnonzero(ids < 0)
        if unknown.size:
            ids[unknown] = self._enter([names[i] for i in unknown.tolist()])
        return ids, ids

    def release(self, ids: Ids, words: Ids) -> None:
        gone = ids[ids >= 0]
        numbers = np.unique(gone[np.isnan(self.members.score[gone])])
        for name in self._names[numbers]:
            del self._ids[name]
        self._names[numbers] = None
        self._free += numbers.tolist()
        self._live -= int(self.members.length[numbers].sum())

    def plain(self, batch: Batch[Any]) -> list[Any]:
        return self._checked(_list(batch))

    def names(self, words: Ids) -> Sequence[Any]:
        found: list[Any] = []
        for at in range(0, words.size, _PIECE):
            found += self._names[words[at : at + _PIECE]].tolist()
        return found

    def pack(self, words: Ids) -> dict[str, NDArray[Any]]:
        names = [self._bytes(name) for name in self.names(words)]
        return {
            "length": np.fromiter(map(len, names), np.int64, len(names)),
            "text": np.frombuffer(b"".join(names), np.uint8),
        }

    def unpack(self, arrays: Mapping[str, NDArray[Any]]) -> Sequence[Any]:
        text, ends = arrays["text"].tobytes(), np.cumsum(arrays["length"]).tolist()
        names = [text[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)] if ends else []
        return names if self.kind is bytes else [name.decode("utf-8", "surrogatepass") for name in names]

    def _bytes(self, name: Any) -> bytes:
        # "surrogatepass" keeps even a lone surrogate in the order of code points.
        return name.encode("utf-8", "surrogatepass") if self.kind is str else bytes(name)

    def _known(self, names: Sequence[Any]) -> Ids:
        try:
            return np.fromiter(map(self._ids.get, names, repeat(-1)), np.int64, len(names))
        except TypeError:  # what does not hash
            self._checked(names)
            raise

    def _checked(self, names: Sequence[Any]) -> list[Any]:
        """The members as they are kept: a text of NumPy is one of Python. `ValueError` if one is of another kind."""
        if set(map(type, names)) <= {self.kind}:
            return list(names)
        wrong = [name for name in names if not isinstance(name, self.kind)]
        if wrong:
            raise ValueError(f"This sorted set has members of type {self.kind.__name__}, not {wrong[0]!r}.")
        return [str.__str__(name) if self.kind is str else bytes(name) for name in names]

    def _enter(self, names: list[Any]) -> list[int]:
        """Give ids to members that have none; the list may name one twice."""
        names = self._checked(names)
        fresh = list(dict.fromkeys(names))
        texts = list(map(self._bytes, fresh))
        reused = min(len(self._free), len(fresh))
        first = self._next
        self._next += len(fresh) - reused
        numbers = [*(self._free.pop() for _ in range(reused)), *range(first, self._next)]
        if self._next > self.members.score.size:
            self.members = _with_room(self.members, self._next)
            self._names = np.concatenate([self._names, np.empty(self.members.score.size, np.object_)])
        ids = np.array(numbers, np.int64)
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        total = int(lengths.sum())
        self._make_room(total)
        self.members.length[ids] = lengths
        self.members.start[ids] = self._written + np.cumsum(lengths) - lengths
        self.members.text[self._written : self._written + total] = np.frombuffer(b"".join(texts), np.uint8)
        self._written += total
        self._live += total
        write_ties(self.members, ids)
        self._ids.update(zip(fresh, numbers, strict=True))
        self._names[ids] = np.array(fresh, np.object_)
        return list(map(self._ids.__getitem__, names))

    def _make_room(self, more: int) -> None:
        """Room for so many bytes; the bytes of members that left are squeezed out on the way."""
        if self._written + more <= self.members.text.size:
            return
        text = np.zeros(2 * (self._live + more), np.uint8)
        self._written = move_texts(self.members, np.fromiter(self._ids.values(), np.int64, len(self._ids)), text)
        self.members = self.members._replace(text=text)


def _int64(batch: Any) -> Ids:
    """Integers as an int64 array. Raises `ValueError` for other types and for what 63 bits and a sign do not hold."""
    if getattr(batch, "null_count", 0):
        raise ValueError("A batch of members has no nulls.")
    try:
        keys = plain_array(batch, "Members") if len(batch) else np.zeros(0, np.int64)
    except OverflowError as why:
        raise ValueError("An integer member lies between -2**63 and 2**63 - 1.") from why
    if keys.ndim != 1 or keys.dtype.kind not in "iu":
        raise ValueError(
            f"This sorted set has integer members, not an array of {keys.dtype} in {keys.ndim} dimensions."
        )
    if keys.dtype == np.uint64 and (keys >= np.uint64(1 << 63)).any():
        raise ValueError("An integer member lies between -2**63 and 2**63 - 1.")
    return np.require(keys, np.int64, ["C", "W"])  # as the kernels are compiled for


def _list(batch: Any) -> Sequence[Any]:
    if isinstance(batch, str | bytes):
        raise ValueError("A batch of members is a list or an array; for one member use the method for single items.")
    if hasattr(batch, "null_count"):
        if batch.null_count:
            raise ValueError("A batch of members has no nulls.")
        return cast("Sequence[Any]", batch.to_pylist())
    if isinstance(batch, np.ndarray):
        return cast("Sequence[Any]", plain_array(batch, "Members").tolist())
    return cast("Sequence[Any]", batch)
