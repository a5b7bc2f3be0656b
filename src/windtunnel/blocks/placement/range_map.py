"""Range map: ordered keys in ranges, each owned by one node, that can be split, moved and joined while it serves.

Neighbouring keys stay together, so a scan asks few nodes; the price is that somebody has to split what grows hot. This
is the directory of Bigtable's tablets (Chang et al., OSDI 2006, section 5.1). A move takes time, as the data must be
copied: until it is committed the old owner answers for every key of the range, and from then on the new one; there is
no moment at which two do, or none.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from operator import index as as_index
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.envelope import seal, unseal
from windtunnel.blocks.placement.placement import checked_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

K = TypeVar("K", str, bytes, int)


class StaleRange(ValueError):
    """The caller's map is older than a change to the range: look up again."""

    outcome = "fail"


@dataclass(frozen=True)
class Range(Generic[K]):
    """Keys from `start` (None: from the first) up to but without `end` (None: to the last)."""

    start: K | None
    end: K | None
    owner: str
    epoch: int
    """When the range got its bounds or its owner: a count of the map's changes."""

    def __contains__(self, key: K) -> bool:
        return (self.start is None or self.start <= key) and (self.end is None or key < self.end)


@dataclass(frozen=True)
class Move(Generic[K]):
    """A move that has begun: the range as it was, and who will own it."""

    range: Range[K]
    to: str
    number: int
    """Which of the map's moves this is: a count of all that began."""


class RangeMap(Block, Generic[K]):
    """Every key has exactly one owner at every moment. Keys are all text, all bytes or all integers.

    Any number of threads may look up while one changes the map: a change makes a new list of ranges and swaps it in.
    Changes take a lock. Safe among asyncio tasks, since no method awaits.
    """

    KIND, VERSION = "range map", 1

    def __init__(self, owner: str) -> None:
        self._lock = Lock()
        self._moves: dict[K | None, Move[K]] = {}
        self._begun = 0
        self._epoch = 0
        self._ranges: tuple[Range[K], ...] = ()
        self._swap([Range(None, None, checked_name(owner), 0)])

    def __len__(self) -> int:
        """How many ranges there are."""
        return len(self._ranges)

    def _told(self) -> dict[str, object]:
        return {"ranges": len(self), "moves": len(self._moves), "epoch": self._epoch}

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            return {name: value for name, value in vars(self).items() if name != "_lock"} | {"_moves": {**self._moves}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=Lock())

    def _swap(self, ranges: Iterable[Range[K]]) -> None:
        """Put a new list in the place of the old: one assignment, so that nobody sees half of a change."""
        self._ranges = tuple(ranges)

    @property
    def epoch(self) -> int:
        """How many changes the map has seen."""
        return self._epoch

    def ranges(self) -> tuple[Range[K], ...]:
        """All ranges in order; they meet without gap or overlap."""
        return self._ranges

    def moves(self) -> tuple[Move[K], ...]:
        """The moves that have begun and are neither committed nor aborted, in the order in which they began."""
        with self._lock:
            return tuple(sorted(self._moves.values(), key=lambda move: move.number))

    def lookup(self, key: K) -> Range[K]:
        """The range of a key. Raises `ValueError` for what is no key of this map."""
        ranges = self._ranges
        return ranges[_index(ranges, _checked_key(ranges, key))]

    def lookup_many(self, keys: Iterable[K] | NDArray[np.int64]) -> NDArray[np.int64]:
        """For each key of a batch the index of its range in `ranges()`; an array of integers is the fast way."""
        import numpy as np

        ranges = self._ranges
        starts = [one.start for one in ranges[1:] if one.start is not None]
        if isinstance(keys, np.ndarray):
            if keys.ndim != 1:
                raise ValueError(f"A batch of keys has one dimension, not {keys.ndim}.")
            if np.ma.is_masked(keys):
                raise ValueError("The batch has masked values, which are no keys: drop them first.")
            if keys.dtype.kind == "i" and all(-(1 << 63) <= int(start) < 1 << 63 for start in starts):
                return np.searchsorted(np.array(starts, np.int64), keys, side="right")
            keys = keys.tolist()
        if isinstance(keys, str | bytes):
            raise ValueError("A batch of keys is a list or an array; for one key use `lookup`.")
        return np.array([bisect_right(starts, _checked_key(ranges, key)) for key in keys], np.int64)

    def check(self, key: K, epoch: int) -> Range[K]:
        """What an owner does with a request: raises `StaleRange` if the range changed after the caller's look.

        `epoch` is that of the range that the caller was given.
        """
        found = self.lookup(key)
        if found.epoch != epoch:
            raise StaleRange(f"The range of {key!r} changed at epoch {found.epoch}; the request knows {epoch}.")
        return found

    def split(self, at: K) -> tuple[Range[K], Range[K]]:
        """Cut a range in two before `at`; both halves stay with the owner.

        Raises `ValueError` if a range begins there already, or is on the move.
        """
        with self._lock:
            at = _checked_key(self._ranges, at)
            index = _index(self._ranges, at)
            whole = self._ranges[index]
            if whole.start == at:
                raise ValueError(f"A range begins at {at!r} already.")
            self._refuse_moving(whole)
            self._epoch += 1
            halves = replace(whole, end=at, epoch=self._epoch), replace(whole, start=at, epoch=self._epoch)
            self._swap(self._ranges[:index] + halves + self._ranges[index + 1 :])
            return halves

    def join(self, at: K) -> Range[K]:
        """Undo a split: one range in the place of the two that meet at `at`.

        Raises `ValueError` if none meet there, have different owners or are on the move.
        """
        with self._lock:
            at = _checked_key(self._ranges, at)
            index = _index(self._ranges, at)
            left, right = self._ranges[index - 1], self._ranges[index]
            if right.start != at:
                raise ValueError(f"No range begins at {at!r}.")
            if left.owner != right.owner:
                raise ValueError(f"{left.owner!r} and {right.owner!r} own the two sides of {at!r}: move one first.")
            self._refuse_moving(left)
            self._refuse_moving(right)
            self._epoch += 1
            whole = replace(left, end=right.end, epoch=self._epoch)
            self._swap(chain(self._ranges[: index - 1], [whole], self._ranges[index + 1 :]))
            return whole

    def begin_move(self, key: K, to: str) -> Move[K]:
        """Begin to move the range of a key; the old owner keeps it until `commit`."""
        with self._lock:
            moving = self.lookup(key)
            self._refuse_moving(moving)
            self._moves[moving.start] = Move(moving, checked_name(to), self._begun + 1)
            self._begun += 1
            return self._moves[moving.start]

    def commit(self, move: Move[K]) -> Range[K]:
        """The data is there: from now on the new owner has the range."""
        with self._lock:
            self._finish(move)
            index = self._ranges.index(move.range)
            self._epoch += 1
            moved = replace(move.range, owner=move.to, epoch=self._epoch)
            self._swap(chain(self._ranges[:index], [moved], self._ranges[index + 1 :]))
            return moved

    def abort(self, move: Move[K]) -> None:
        """The copy failed: all stays with the old owner."""
        with self._lock:
            self._finish(move)

    def to_bytes(self) -> bytes:
        """Ranges, epoch and moves that have begun (see `moves`), in their stored form."""
        with self._lock:
            rows = [[_written(one.start), one.owner, one.epoch] for one in self._ranges]
            moves = [[_written(move.range.start), move.to, move.number] for move in self._moves.values()]
            header = {"epoch": self._epoch, "begun": self._begun}
        text = json.dumps({"ranges": rows, "moves": moves}, separators=(",", ":"))
        return seal(self.KIND, self.VERSION, header, text.encode())

    @classmethod
    def from_bytes(cls, blob: bytes | bytearray | memoryview) -> Self:
        """The map that was stored; raises `DamagedError` for anything else."""
        header, payload = unseal(cls.KIND, cls.VERSION, blob)
        stored = json.loads(payload)
        made = cls("")
        starts: list[Any] = [_read(start) for start, _, _ in stored["ranges"]]
        ends = [*starts[1:], None]
        rows = zip(starts, ends, stored["ranges"], strict=True)
        made._swap(Range(start, end, owner, epoch) for start, end, (_, owner, epoch) in rows)
        of_start = {one.start: one for one in made._ranges}
        made._moves = {_read(start): Move(of_start[_read(start)], to, number) for start, to, number in stored["moves"]}
        made._epoch, made._begun = header["epoch"], header["begun"]
        return made

    def _finish(self, move: Move[K]) -> None:
        if self._moves.get(move.range.start) != move:
            raise ValueError("This move was committed or aborted before.")
        del self._moves[move.range.start]

    def _refuse_moving(self, one: Range[K]) -> None:
        if one.start in self._moves:
            raise ValueError(f"The range from {one.start!r} is on the move to {self._moves[one.start].to!r}.")


def _written(key: Any) -> Any:
    """A key for JSON: bytes as their hexadecimal digits."""
    return {"bytes": key.hex()} if isinstance(key, bytes) else key


def _read(key: Any) -> Any:
    return bytes.fromhex(key["bytes"]) if isinstance(key, dict) else key


def _checked_key(ranges: tuple[Range[K], ...], key: K) -> K:
    """The key as plain text, bytes or integer, if it is of the kind that the ranges have."""
    plain: Any
    if isinstance(key, str | bytes):
        plain = str.__str__(key) if isinstance(key, str) else bytes(key)
    else:
        try:
            plain = int(as_index(key))
        except TypeError:
            raise ValueError(f"A key is a str, bytes or int, not {key!r}.") from None
    if len(ranges) > 1 and type(ranges[1].start) is not type(plain):
        raise ValueError(f"The keys of this map are of type {type(ranges[1].start).__name__}, not {key!r}.")
    return cast("K", plain)


def _index(ranges: tuple[Range[K], ...], key: K) -> int:
    """The last range that begins at or before a key."""
    low, high = 1, len(ranges)
    while low < high:
        middle = (low + high) // 2
        start = ranges[middle].start
        if start is not None and start <= key:
            low = middle + 1
        else:
            high = middle
    return low - 1
