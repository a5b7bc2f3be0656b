"""Sorted sets: members with scores, always in order. What a leaderboard, a delay queue or a rate window is made of.

The idea, as in Redis: two structures that know the same entries. A **dictionary** from member to score answers "what is
Ann's score?", and an **order** of the entries answers "who are the first ten?" and "which place is Ann's?". Neither can
do the other's work fast: a relational database with an index on the score has the order but not the counts, so it finds
the top ten at once and *counts* to find a rank.

Two orders are here, interchangeable. `skip_list` is Redis' own and the one to read first; `counted_blocks` is the one
that wins on a modern processor.

The semantics are those of Redis, checked against a real server: entries are ordered by score, equal scores by member
(bytes as `memcmp` has them, which for text is the order of code points; integers as numbers); NaN is refused;
infinite scores are allowed, and an increment that would make NaN of them is refused; -0.0 equals 0.0, so it does not
replace it.

`PlainSortedSet` is plain Python and the text to read; `sorted_set.SortedSet` says the same in compiled kernels.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from windtunnel.blocks.ground.hashing import ArrowColumn


class Comparable(Protocol):
    """What can be put in order."""

    def __lt__(self, other: Any, /) -> bool: ...


MemberT = TypeVar("MemberT", bound=Comparable)
"""In a plain set anything that hashes and compares; in a compiled one `int`, `str` or `bytes`."""
Batch: TypeAlias = "Sequence[MemberT] | NDArray[np.int64] | ArrowColumn"
"""Members of a batch: integers as a NumPy or Arrow array or a list, text and bytes as a list or an Arrow array."""
Floats: TypeAlias = "Sequence[float] | NDArray[np.float64]"

NOT_NAN = "A score is a number, not NaN."


class Order(Protocol[MemberT]):
    """Entries `(score, member)` in order; `PlainSkipList` and `PlainCountedBlocks` are two."""

    def __len__(self) -> int: ...
    def insert(self, score: float, member: MemberT) -> None: ...
    def remove(self, score: float, member: MemberT) -> None: ...
    def rank(self, score: float, member: MemberT) -> int: ...
    def count_below(self, score: float, *, inclusive: bool) -> int: ...
    def slice(self, start: int, stop: int) -> list[tuple[float, MemberT]]: ...


class Ranges(ABC, Generic[MemberT]):
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
        """The entries at ranks `start` to `stop`, both included; negative ranks count from the end (`ZRANGE`).

        With `reverse` the greatest entry has rank 0 and comes first.
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
        """The entries with scores from `low` to `high`, of which `offset` are skipped and `limit` taken."""
        first, last = self._bounds(low, high, include_low, include_high)
        if offset < 0 or (limit is not None and limit < 0):
            raise ValueError(f"Offset and limit are 0 or more, not {offset} and {limit}.")
        if reverse:
            last -= offset
            return self._turned(max(first, last - limit) if limit is not None else first, last)
        first += offset
        return self._slice(first, min(last, first + limit) if limit is not None else last)

    def count(self, low: float, high: float, *, include_low: bool = True, include_high: bool = True) -> int:
        """How many entries have scores from `low` to `high` (`ZCOUNT`)."""
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


class PlainSortedSet(Ranges[MemberT]):
    """A sorted set in plain Python: a dictionary and an order. Not safe to share between threads; no method awaits.

    >>> from windtunnel.blocks.ordered.skip_list import PlainSkipList
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
        """Set the member's score; True if the member is new. `ValueError` if the score is NaN."""
        if math.isnan(score):
            raise ValueError(NOT_NAN)
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
        """How many entries sort before the member's (after it, with `reverse`), or None if it is not in the set."""
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
