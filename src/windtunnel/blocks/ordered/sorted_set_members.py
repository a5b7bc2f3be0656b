"""Members of a compiled sorted set and their **ids**: small numbers, which are all that a kernel sees of a member.

Ids of members that left are given to those that come next, so the arrays grow with the set and not with its history.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from operator import eq
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from windtunnel.blocks.ground.numbers import plain_array
from windtunnel.blocks.ordered.kernels import paged_map
from windtunnel.blocks.ordered.kernels.paged_map import PagedMap, enter_many, find_many, intern_many, take_many
from windtunnel.blocks.ordered.kernels.pieces import Pieces, objects_of
from windtunnel.blocks.ordered.kernels.sorted_set import (
    NAME_BITS,
    SCORE_BITS,
    TEXT_BITS,
    TEXT_WORDS,
    Members,
    gather,
    release_integers,
    release_texts,
    scores_of,
    write_texts,
)
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


class _Ids:
    """What both numberings share: the table from keys to ids, the scores by id, and the ids that are free again."""

    def __init__(self) -> None:
        self._table = PagedMap()
        self._free = Pieces(paged_map.FREE_BITS)
        self._scores = Pieces(SCORE_BITS, fill=np.nan)
        self.members = Members(self._scores.at, np.zeros(0, np.int64))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "members"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.members = Members(self._scores.at, np.zeros(0, np.int64))

    @property
    def moved(self) -> int:
        """How many words growth has moved so far."""
        return self._table.moved + self._free.moved + self._scores.moved

    def _room(self, more: int) -> bool:
        """Room for so many ids beside those that were ever given; whether any had to be made."""
        ids = int(self._table.state[paged_map.NEXT]) + more
        self._free.grow_to(ids)
        return self._scores.grow_to(ids)


class IntNumbers(_Ids):
    """Integers of 64 bits with sign, in a compiled hash table."""

    kind = int

    def find(self, batch: Batch[int]) -> tuple[Ids, Ids]:
        keys = _int64(batch)
        ids = np.empty(keys.size, np.int64)
        find_many(self._table.directory, self._table.state, keys, ids)
        return ids, keys

    def intern(self, batch: Batch[int]) -> tuple[Ids, Ids]:
        keys, table, done = _int64(batch), self._table, 0
        ids = np.empty(keys.size, np.int64)
        if self._room(keys.size):
            self.members = self.members._replace(scores=self._scores.at)
        while (done := intern_many(table.directory, table.state, keys, ids, self._free.at, done)) < keys.size:
            table.grow()
        return ids, keys

    def release(self, ids: Ids, words: Ids) -> None:
        release_integers(self.members, self._table.directory, self._table.state, words, self._free.at)

    def names(self, words: Ids) -> NDArray[np.int64]:
        return words

    def plain(self, batch: Batch[int]) -> list[int]:
        listed: list[int] = _int64(batch).tolist()
        return listed

    def pack(self, words: Ids) -> dict[str, NDArray[Any]]:
        return {"member": words}

    def unpack(self, arrays: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
        return arrays["member"]


class TextNumbers(_Ids):
    """Text (as UTF-8) or bytes. The table knows their hashes; the name that has the id says whose it is."""

    def __init__(self, kind: type[str] | type[bytes]) -> None:
        super().__init__()
        self.kind = kind
        self._names = Pieces(NAME_BITS, fill=None)
        self._texts = Pieces(NAME_BITS, fill=None)  # their bytes, which the rows point into
        self._rows = Pieces(TEXT_BITS, TEXT_WORDS)
        self._twins: dict[Any, int] = {}  # ids of members whose hash another had: next to none, and right all the same
        self._look()

    def __getstate__(self) -> dict[str, Any]:
        """Without what holds hashes and addresses, which are those of this process."""
        left_out = {"_table", "_texts", "_rows", "_twins", "_found", "_objects"}
        state = {name: value for name, value in super().__getstate__().items() if name not in left_out}
        return {**state, "ids": self._table.state[paged_map.NEXT :]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        given = state.pop("ids")
        vars(self).update(state)
        self._table, self._twins = PagedMap(), {}
        self._texts, self._rows = Pieces(NAME_BITS, fill=None), Pieces(TEXT_BITS, TEXT_WORDS)
        self._look()
        self._table.state[paged_map.NEXT :] = given
        every = np.arange(given[0])
        held = [(at, name) for at, name in enumerate(self.names(every)) if name is not None]
        self._enter([name for _, name in held], np.array([at for at, _ in held], np.int64))

    def _look(self) -> None:
        self._found = np.empty(_PIECE, np.int64)
        self._objects = objects_of(self._found)
        self.members = Members(self._scores.at, self._rows.at)

    @property
    def moved(self) -> int:
        """How many words growth has moved so far."""
        return super().moved + self._names.moved + self._texts.moved + self._rows.moved

    def find(self, batch: Batch[Any]) -> tuple[Ids, Ids]:
        return (ids := self._known(_list(batch))), ids

    def intern(self, batch: Batch[Any]) -> tuple[Ids, Ids]:
        names = _list(batch)
        ids = self._known(names)
        unknown = np.flatnonzero(ids < 0)
        if unknown.size:
            listed = self._checked([names[i] for i in unknown.tolist()])
            fresh = list(dict.fromkeys(listed))
            numbers = np.empty(len(fresh), np.int64)
            self._room(numbers.size)
            take_many(self._table.state, self._free.at, numbers)
            self._enter(fresh, numbers)
            if len(fresh) < len(listed):
                by_name = dict(zip(fresh, numbers.tolist(), strict=True))
                numbers = np.array([by_name[name] for name in listed], np.int64)
            ids[unknown] = numbers
        return ids, ids

    def release(self, ids: Ids, words: Ids) -> None:
        gone = ids[ids >= 0]
        scores = np.empty(gone.size)
        scores_of(self.members, gone, scores)
        numbers = np.unique(gone[np.isnan(scores)])
        for name in self.names(numbers) if self._twins else []:
            self._twins.pop(name, None)
        release_texts(self.members, self._table.directory, self._table.state, numbers, self._free.at)
        self._names.put(numbers, None)
        self._texts.put(numbers, None)

    def plain(self, batch: Batch[Any]) -> list[Any]:
        return self._checked(_list(batch))

    def names(self, words: Ids) -> list[Any]:
        """The names of these ids; None where the id is -1."""
        found: list[Any] = []
        for at in range(0, words.size, _PIECE):
            some = words[at : at + _PIECE]
            gather(self._names.at, some, id(None), self._found)
            found += self._objects[: some.size].tolist()
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
        """The ids of these names; -1 where one has none.

        A name of a class of its own may hash as it likes. What is kept is its text, so that is what it is found by.
        """
        ids = self._looked_up(names)
        if (ids < 0).any() and not set(map(type, names)) <= {self.kind}:
            others = [i for i in np.flatnonzero(ids < 0).tolist() if isinstance(names[i], self.kind)]
            ids[others] = self._looked_up(self._checked([names[i] for i in others]))
        return ids

    def _looked_up(self, names: Sequence[Any]) -> Ids:
        try:
            hashes = hashes_of(names)
        except TypeError:  # what does not hash
            self._checked(names)
            raise
        ids = np.empty(hashes.size, np.int64)
        find_many(self._table.directory, self._table.state, hashes, ids)
        held = self.names(ids)
        if held != names:  # the same objects or equal ones is what most batches are
            others = np.flatnonzero(~np.fromiter(map(eq, held, names), np.bool_, len(held)))
            ids[others] = [self._twins.get(names[i], -1) for i in others.tolist()] if self._twins else -1
        return ids

    def _checked(self, names: Sequence[Any]) -> list[Any]:
        """The members as they are kept: a text of NumPy is one of Python. `ValueError` if one is of another kind."""
        if set(map(type, names)) <= {self.kind}:
            return list(names)
        wrong = [name for name in names if not isinstance(name, self.kind)]
        if wrong:
            raise ValueError(f"This sorted set has members of type {self.kind.__name__}, not {wrong[0]!r}.")
        return [str.__str__(name) if self.kind is str else bytes(name) for name in names]

    def _enter(self, names: list[Any], ids: Ids) -> None:
        """Let these members, all different and without ids, have these."""
        texts = list(map(self._bytes, names))
        hashes, table, done = hashes_of(names), self._table, 0
        twin = np.zeros(ids.size, np.bool_)
        while (done := enter_many(table.directory, table.state, hashes, ids, twin, done)) < ids.size:
            table.grow()
        for i in np.flatnonzero(twin).tolist():
            self._twins[names[i]] = int(ids[i])
        for pieces in (self._names, self._texts, self._rows):
            pieces.grow_to(int(table.state[paged_map.NEXT]))
        self.members = Members(self._scores.at, self._rows.at)
        self._names.put(ids, names)
        self._texts.put(ids, texts)
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        write_texts(self.members, ids, _starts(texts), lengths, hashes)


def hashes_of(names: Sequence[Any]) -> Ids:
    """Python's own hashes, which a text keeps: those of another process differ."""
    return np.fromiter(map(hash, names), np.int64, len(names))


_TEXT_AT = bytes.__basicsize__ - 1
"""Where in a `bytes` its text begins: the struct's last field is the text's first byte."""
_FOUND = ctypes.string_at(id(b"probe") + _TEXT_AT, 5) == b"probe"


def _starts(texts: list[bytes]) -> Ids:
    """Where the bytes of these texts lie. Whoever asks keeps them."""
    if _FOUND:
        return np.fromiter(map(id, texts), np.int64, len(texts)) + _TEXT_AT
    return np.array([np.frombuffer(text, np.uint8).ctypes.data if text else 0 for text in texts], np.int64)


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
