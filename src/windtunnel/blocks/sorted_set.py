"""Sorted sets: members with scores, always in order. What a leaderboard, a delay queue or a rate window is made of.

The idea, as in Redis: two structures that know the same entries. A **dictionary** from member to score answers "what is
Ann's score?", and an **order** of the entries answers "who are the first ten?" and "which place is Ann's?". Neither can
do the other's work fast: a relational database with an index on the score has the order but not the counts, so it finds
the top ten at once and *counts* to find a rank.

Two orders are here, interchangeable. `skip_list` is Redis' own and the one to read first; `counted_blocks` is the one
that wins on a modern processor.

The semantics are those of Redis, checked against a real server: entries are ordered by score, equal scores by member
(bytes as ``memcmp`` has them, which for text is the order of code points; integers as numbers); NaN is refused;
infinite scores are allowed, and an increment that would make NaN of them is refused; -0.0 equals 0.0, so it does not
replace it.

`PlainSortedSet` is plain Python and the text to read. `SortedSet` says the same in compiled kernels and takes batches.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from windtunnel.blocks.hashing import ArrowColumn
    from windtunnel.blocks.sorted_set_members import Numbers


class Comparable(Protocol):
    """What can be put in order."""

    def __lt__(self, other: Any, /) -> bool: ...


MemberT = TypeVar("MemberT", bound=Comparable)
"""In a plain set anything that hashes and compares; in a compiled one ``int``, ``str`` or ``bytes``."""
Batch: TypeAlias = "Sequence[MemberT] | NDArray[np.int64] | ArrowColumn"
"""Members of a batch: integers as a NumPy or Arrow array or a list, text and bytes as a list or an Arrow array."""
Floats: TypeAlias = "Sequence[float] | NDArray[np.float64]"

_NAN = "A score is a number, not NaN."
_VERSION = 1


class Order(Protocol[MemberT]):
    """Entries ``(score, member)`` in order; `PlainSkipList` and `PlainCountedBlocks` are two."""

    def __len__(self) -> int: ...
    def insert(self, score: float, member: MemberT) -> None: ...
    def remove(self, score: float, member: MemberT) -> None: ...
    def rank(self, score: float, member: MemberT) -> int: ...
    def count_below(self, score: float, *, inclusive: bool) -> int: ...
    def slice(self, start: int, stop: int) -> list[tuple[float, MemberT]]: ...


class _Ranges(ABC, Generic[MemberT]):
    """The reading half, the same for both sorted sets: everything follows from a slice and a count."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def _slice(self, start: int, stop: int) -> list[tuple[MemberT, float]]: ...

    @abstractmethod
    def _count_below(self, score: float, inclusive: bool) -> int: ...

    def __iter__(self) -> Iterator[tuple[MemberT, float]]:
        return iter(self._slice(0, len(self)))

    def range(self, start: int, stop: int, *, reverse: bool = False) -> list[tuple[MemberT, float]]:
        """The entries at ranks ``start`` to ``stop``, both included; negative ranks count from the end (``ZRANGE``).

        With ``reverse`` the greatest entry has rank 0 and comes first.
        """
        size = len(self)
        first, last = max(start + size if start < 0 else start, 0), min(stop + size if stop < 0 else stop, size - 1)
        if first > last:
            return []
        return self._turned(size - 1 - last, size - first) if reverse else self._slice(first, last + 1)

    def range_by_score(
        self,
        low: float,
        high: float,
        *,
        include_low: bool = True,
        include_high: bool = True,
        reverse: bool = False,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[tuple[MemberT, float]]:
        """The entries with scores from ``low`` to ``high``, of which ``offset`` are skipped and ``limit`` taken."""
        first, last = self._bounds(low, high, include_low, include_high)
        if offset < 0 or (limit is not None and limit < 0):
            raise ValueError(f"Offset and limit are 0 or more, not {offset} and {limit}.")
        if reverse:
            last -= offset
            return self._turned(max(first, last - limit) if limit is not None else first, last)
        first += offset
        return self._slice(first, min(last, first + limit) if limit is not None else last)

    def count(self, low: float, high: float, *, include_low: bool = True, include_high: bool = True) -> int:
        """How many entries have scores from ``low`` to ``high`` (``ZCOUNT``)."""
        first, last = self._bounds(low, high, include_low, include_high)
        return max(0, last - first)

    def _bounds(self, low: float, high: float, include_low: bool, include_high: bool) -> tuple[int, int]:
        if math.isnan(low) or math.isnan(high):
            raise ValueError("A bound of a range of scores is a number, not NaN.")
        return self._count_below(low, not include_low), self._count_below(high, include_high)

    def _turned(self, first: int, stop: int) -> list[tuple[MemberT, float]]:
        found = self._slice(first, stop)
        found.reverse()
        return found


class PlainSortedSet(_Ranges[MemberT]):
    """A sorted set in plain Python: a dictionary and an order. Not safe to share between threads; no method awaits.

    >>> from windtunnel.blocks.skip_list import PlainSkipList
    >>> players = PlainSortedSet[str](PlainSkipList())
    >>> players.add("ann", 30), players.add("bob", 20), players.increment("bob", 15)
    (True, True, 35.0)
    >>> players.rank("bob", reverse=True), players.range(0, 0)
    (0, [('ann', 30.0)])
    """

    def __init__(self, order: Order[MemberT]) -> None:
        if len(order):
            raise ValueError("A sorted set starts with an empty order.")
        self._order = order
        self._scores: dict[MemberT, float] = {}

    def __len__(self) -> int:
        return len(self._scores)

    def __contains__(self, member: MemberT) -> bool:
        return member in self._scores

    def add(self, member: MemberT, score: float) -> bool:
        """Set the member's score; True if the member is new. ``ValueError`` if the score is NaN."""
        if math.isnan(score):
            raise ValueError(_NAN)
        old = self._scores.get(member)
        if old != score:
            if old is not None:
                self._order.remove(old, member)
            self._order.insert(float(score), member)
            self._scores[member] = float(score)
        return old is None

    def increment(self, member: MemberT, by: float) -> float:
        """Add to the member's score, which is 0 for a new member; returns the new score."""
        new = float(by) if (old := self._scores.get(member)) is None else old + by
        self.add(member, new)
        return new

    def score(self, member: MemberT) -> float | None:
        """The member's score, or None if it is not in the set."""
        return self._scores.get(member)

    def rank(self, member: MemberT, *, reverse: bool = False) -> int | None:
        """How many entries sort before the member's (after it, with ``reverse``), or None if it is not in the set."""
        score = self._scores.get(member)
        if score is None:
            return None
        rank = self._order.rank(score, member)
        return len(self) - 1 - rank if reverse else rank

    def remove(self, member: MemberT) -> bool:
        """Take the member out; True if it was there."""
        score = self._scores.pop(member, None)
        if score is None:
            return False
        self._order.remove(score, member)
        return True

    def _slice(self, start: int, stop: int) -> list[tuple[MemberT, float]]:
        return [(member, score) for score, member in self._order.slice(start, stop)]

    def _count_below(self, score: float, inclusive: bool) -> int:
        return self._order.count_below(score, inclusive=inclusive)


class SortedSet(_Ranges[MemberT]):
    """A sorted set of one kind of members (``int`` of 64 bits, ``str`` or ``bytes``) in compiled kernels.

    Batches (``..._many`` and the plurals) cost about a microsecond an item. A single item costs twenty, mostly
    the way into compiled code: for one at a time `PlainSortedSet` is faster. A batch does what the same operations one
    by one would.
    No method awaits, so tasks of one loop may share a set; threads need a lock around it.

    >>> players = SortedSet(str)
    >>> players.add_many(["ann", "bob", "cid"], [30, 20, 20])
    3
    >>> players.ranks(["cid", "dan"]).tolist(), players.range(0, 1)
    ([1, -1], [('bob', 20.0), ('cid', 20.0)])
    """

    def __init__(
        self,
        members: type[MemberT],
        *,
        order: Literal["counted blocks", "skip list"] = "counted blocks",
        seed: int = 0,
    ) -> None:
        from windtunnel.blocks.sorted_set_members import numbers_of

        # Any: the two kernel modules have the same functions, each over its own arrays.
        self._kernel: Any
        if order == "counted blocks":
            from windtunnel.blocks.kernels import counted_blocks

            self._kernel = counted_blocks
        elif order == "skip list":
            from windtunnel.blocks.kernels import skip_list

            self._kernel = skip_list
        else:
            raise ValueError(f"The order is 'counted blocks' or 'skip list', not {order!r}.")
        self._numbers: Numbers[MemberT] = numbers_of(members)
        self._order = self._kernel.empty_order(16, seed)

    def __len__(self) -> int:
        return int(self._order.meta[self._kernel.SIZE])

    def __contains__(self, member: MemberT) -> bool:
        return self.score(member) is not None

    def add(self, member: MemberT, score: float) -> bool:
        """Set the member's score; True if the member is new. ``ValueError`` if the score is NaN."""
        return self.add_many([member], [score]) == 1

    def add_many(self, members: Batch[MemberT], scores: Floats) -> int:
        """Set many scores, in order; returns how many members are new. With a NaN among the scores nothing is set."""
        import numpy as np

        given = _floats(scores)
        if np.isnan(given).any():
            raise ValueError(_NAN)
        had = len(self)
        self._set(members, given, increment=False)
        return len(self) - had

    def increment(self, member: MemberT, by: float) -> float:
        """Add to the member's score, which is 0 for a new member; returns the new score."""
        return float(self.increment_many([member], [by])[0])

    def increment_many(self, members: Batch[MemberT], by: Floats) -> NDArray[np.float64]:
        """Add to many scores, in order; returns what each came to.

        Raises ``ValueError`` where a score would be NaN; what stands before it in the batch has been done.
        """
        return self._set(members, _floats(by), increment=True)

    def score(self, member: MemberT) -> float | None:
        """The member's score, or None if it is not in the set."""
        score = float(self.scores([member])[0])
        return None if math.isnan(score) else score

    def scores(self, members: Batch[MemberT]) -> NDArray[np.float64]:
        """The scores of many members; NaN where one is not in the set."""
        import numpy as np

        from windtunnel.blocks.kernels.sorted_set import scores_of

        ids, _ = self._numbers.find(members)
        out = np.empty(ids.size)
        scores_of(self._numbers.members, ids, out)
        return out

    def rank(self, member: MemberT, *, reverse: bool = False) -> int | None:
        """How many entries sort before the member's (after it, with ``reverse``), or None if it is not in the set."""
        rank = int(self.ranks([member], reverse=reverse)[0])
        return None if rank < 0 else rank

    def ranks(self, members: Batch[MemberT], *, reverse: bool = False) -> NDArray[np.int64]:
        """The ranks of many members; -1 where one is not in the set."""
        import numpy as np

        ids, words = self._numbers.find(members)
        out = np.empty(ids.size, np.int64)
        self._kernel.ranks_of(self._order, self._numbers.members, ids, words, out)
        return np.where(out < 0, -1, len(self) - 1 - out) if reverse else out

    def ranges(
        self, starts: Sequence[int] | NDArray[np.int64], stops: Sequence[int] | NDArray[np.int64]
    ) -> tuple[Sequence[MemberT] | NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Many ranges by rank, ends included, negative ranks from the end, as in `range`.

        Returns members, scores and offsets: what the range ``i`` found is at ``offsets[i]:offsets[i + 1]``.
        """
        import numpy as np

        first, last = np.asarray(starts, np.int64), np.asarray(stops, np.int64)
        size = len(self)
        first = np.maximum(np.where(first < 0, first + size, first), 0)
        stop = np.minimum(np.where(last < 0, last + size, last), size - 1) + 1
        words, scores, offsets = self._slices(np.minimum(first, size), np.maximum(stop, np.minimum(first, size)))
        return self._numbers.names(words), scores, offsets

    def counts(self, lows: Floats, highs: Floats) -> NDArray[np.int64]:
        """For each pair of bounds, both included, how many entries have scores between them (`count`, many times)."""
        import numpy as np

        low, high = _floats(lows), _floats(highs)
        if np.isnan(low).any() or np.isnan(high).any():
            raise ValueError("A bound of a range of scores is a number, not NaN.")
        below, upto = np.empty(low.size, np.int64), np.empty(high.size, np.int64)
        self._kernel.counts_below(self._order, low, False, below)
        self._kernel.counts_below(self._order, high, True, upto)
        between: NDArray[np.int64] = np.maximum(upto - below, 0)
        return between

    def remove(self, member: MemberT) -> bool:
        """Take the member out; True if it was there."""
        return self.remove_many([member]) == 1

    def remove_many(self, members: Batch[MemberT]) -> int:
        """Take many members out; returns how many were there."""
        ids, words = self._numbers.find(members)
        had = len(self)
        self._kernel.remove_many(self._order, self._numbers.members, ids, words)
        self._numbers.release(ids, words)
        return had - len(self)

    def to_bytes(self) -> bytes:
        """Members and scores, with version and checksum; the same entries give the same bytes in either order."""
        import numpy as np

        from windtunnel.blocks.array_file import seal_arrays

        words, scores, _ = self._slices(np.zeros(1, np.int64), np.array([len(self)]))
        kind = f"sorted set of {self._numbers.kind.__name__}"
        return seal_arrays(kind, _VERSION, {}, {"score": scores, **self._numbers.pack(words)})

    @classmethod
    def from_bytes(
        cls,
        members: type[MemberT],
        blob: bytes,
        *,
        order: Literal["counted blocks", "skip list"] = "counted blocks",
        seed: int = 0,
    ) -> SortedSet[MemberT]:
        """What `to_bytes` wrote. Raises ``envelope.DamagedError`` unless ``blob`` is whole and of this kind."""
        from windtunnel.blocks.array_file import unseal_arrays

        made = cls(members, order=order, seed=seed)
        _, arrays = unseal_arrays(f"sorted set of {members.__name__}", _VERSION, blob)
        made.add_many(made._numbers.unpack(arrays), arrays["score"])
        return made

    def _set(self, members: Batch[MemberT], scores: NDArray[np.float64], *, increment: bool) -> NDArray[np.float64]:
        import numpy as np

        if scores.shape != (len(members),):
            raise ValueError(f"A batch has one score a member: {len(members)} members, scores of shape {scores.shape}.")
        ids, words = self._numbers.intern(members)
        out, done = np.empty(ids.size), 0
        while True:
            m = self._numbers.members
            done = self._kernel.set_scores(self._order, m, ids, words, scores, increment, out, done)
            if done == ids.size:
                return out
            if self._order.meta[self._kernel.NAN_AT] >= 0:
                self._numbers.release(ids, words)
                raise ValueError(f"{_NAN[:-1]}, which item {done} of the batch would be.")
            self._order = self._kernel.grown(self._order)

    def _slices(
        self, starts: NDArray[np.int64], stops: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Words and scores at ranks ``starts[i]`` to ``stops[i] - 1``, all in the set, and where each slice begins."""
        import numpy as np

        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(stops - starts)])
        words, scores = np.empty(offsets[-1], np.int64), np.empty(offsets[-1])
        self._kernel.slices(self._order, starts, stops, offsets, words, scores)
        return words, scores, offsets

    def _slice(self, start: int, stop: int) -> list[tuple[MemberT, float]]:
        import numpy as np

        words, scores, _ = self._slices(np.array([start]), np.array([max(start, stop)]))
        names = self._numbers.names(words)
        members = cast("list[MemberT]", names if isinstance(names, list) else np.asarray(names).tolist())
        return list(zip(members, scores.tolist(), strict=True))

    def _count_below(self, score: float, inclusive: bool) -> int:
        import numpy as np

        out = np.empty(1, np.int64)
        self._kernel.counts_below(self._order, np.array([score], np.float64), inclusive, out)
        return int(out[0])


def _floats(values: Floats) -> NDArray[np.float64]:
    """As the kernels are compiled for: of 64 bits, contiguous, writable."""
    import numpy as np

    return np.require(values, np.float64, ["C", "W"])
