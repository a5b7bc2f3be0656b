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

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar, overload

from windtunnel.blocks.ground.block import Guarded, alone
from windtunnel.blocks.ground.numbers import MOST, number, whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from windtunnel.blocks.ground.hashing import ArrowColumn

_ranks = range  # the method of this name hides it
RANKS = range(MOST)


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


class Ranges(Guarded, ABC, Generic[MemberT]):
    """What is the same for both sorted sets: all that follows from a slice, a count, a score and a removal."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def remove(self, member: MemberT) -> bool: ...

    @abstractmethod
    def _slice(self, start: int, stop: int) -> list[tuple[MemberT, float]]: ...

    @abstractmethod
    def _count_below(self, score: float, inclusive: bool) -> int: ...

    @alone
    def _all(self) -> list[tuple[MemberT, float]]:
        return self._slice(0, len(self))

    def __iter__(self) -> Iterator[tuple[MemberT, float]]:
        return iter(self._all())

    def __reversed__(self) -> Iterator[tuple[MemberT, float]]:
        return reversed(self._all())

    @overload
    def __getitem__(self, at: int) -> tuple[MemberT, float]: ...
    @overload
    def __getitem__(self, at: slice) -> list[tuple[MemberT, float]]: ...
    @alone
    def __getitem__(self, at: int | slice) -> tuple[MemberT, float] | list[tuple[MemberT, float]]:
        """The entry at a rank, or those of a slice of ranks, as of a list; `IndexError` where there is none."""
        size = len(self)
        if isinstance(at, slice):
            start, stop, step = at.indices(size)
            if step == 1:
                return self._slice(start, max(start, stop))
            ranks = _ranks(start, stop, step)
            if not ranks:
                return []
            low, high = min(ranks[0], ranks[-1]), max(ranks[0], ranks[-1])
            found = self._slice(low, high + 1)
            return [found[rank - low] for rank in ranks]
        rank = whole(at, "A rank", -MOST)
        if not -size <= rank < size:
            raise IndexError(f"There is no rank {rank} among {size} entries.")
        return self._slice(rank % size, rank % size + 1)[0]

    @alone
    def range(self, start: int, stop: int, *, reverse: bool = False) -> list[tuple[MemberT, float]]:
        """The entries at ranks `start` to `stop`, both included; negative ranks count from the end (`ZRANGE`).

        With `reverse` the greatest entry has rank 0 and comes first.
        """
        start, stop = whole(start, "A rank", -MOST), whole(stop, "A rank", -MOST)
        size = len(self)
        first, last = max(start + size if start < 0 else start, 0), min(stop + size if stop < 0 else stop, size - 1)
        if first > last:
            return []
        return self._turned(size - 1 - last, size - first) if reverse else self._slice(first, last + 1)

    @alone
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
        return self._part(first, last, reverse, offset, limit)

    @alone
    def range_by_lex(
        self,
        low: MemberT | None = None,
        high: MemberT | None = None,
        *,
        include_low: bool = True,
        include_high: bool = True,
        reverse: bool = False,
        offset: int = 0,
        limit: int | None = None,
    ) -> list[tuple[MemberT, float]]:
        """The entries with members from `low` (None: the first) to `high` (None: the last), as `ZRANGEBYLEX`.

        Members are in order only among equal scores: raises `ValueError` unless all scores are equal.
        """
        first, last = self._lex_bounds(low, high, include_low, include_high)
        return self._part(first, last, reverse, offset, limit)

    @alone
    def count_by_lex(
        self,
        low: MemberT | None = None,
        high: MemberT | None = None,
        *,
        include_low: bool = True,
        include_high: bool = True,
    ) -> int:
        """How many entries have members from `low` to `high` (`ZLEXCOUNT`); see `range_by_lex`."""
        first, last = self._lex_bounds(low, high, include_low, include_high)
        return max(0, last - first)

    def pop_min(self, count: int = 1) -> list[tuple[MemberT, float]]:
        """Take out the `count` lowest entries, lowest first (`ZPOPMIN`); fewer if there are fewer."""
        return self._pop(count, reverse=False)

    def pop_max(self, count: int = 1) -> list[tuple[MemberT, float]]:
        """Take out the `count` highest entries, highest first (`ZPOPMAX`); fewer if there are fewer."""
        return self._pop(count, reverse=True)

    @alone
    def remove_by_rank(self, start: int, stop: int) -> int:
        """Take out the entries at ranks `start` to `stop`, as in `range`; returns how many (`ZREMRANGEBYRANK`)."""
        return self._remove_all(self.range(start, stop))

    @alone
    def remove_by_score(self, low: float, high: float, *, include_low: bool = True, include_high: bool = True) -> int:
        """Take out the entries with scores from `low` to `high`; returns how many (`ZREMRANGEBYSCORE`)."""
        return self._remove_all(self.range_by_score(low, high, include_low=include_low, include_high=include_high))

    @alone
    def remove_by_lex(
        self,
        low: MemberT | None = None,
        high: MemberT | None = None,
        *,
        include_low: bool = True,
        include_high: bool = True,
    ) -> int:
        """Take out the entries with members from `low` to `high`, as in `range_by_lex`; returns how many."""
        return self._remove_all(self.range_by_lex(low, high, include_low=include_low, include_high=include_high))

    @alone
    def clear(self) -> None:
        """Take out all."""
        self._remove_all(self._all())

    @alone
    def _pop(self, count: int, *, reverse: bool) -> list[tuple[MemberT, float]]:
        taken = whole(count, "The number of entries to take out")
        found = self.range(0, taken - 1, reverse=reverse) if taken else []
        self._remove_all(found)
        return found

    def _remove_all(self, entries: Sequence[tuple[MemberT, float]]) -> int:
        return sum(self.remove(member) for member, _ in entries)

    def _part(
        self, first: int, last: int, reverse: bool, offset: int, limit: int | None
    ) -> list[tuple[MemberT, float]]:
        """The entries at ranks `first` to `last - 1`, of which `offset` are skipped and `limit` taken."""
        offset = whole(offset, "An offset")
        most = MOST if limit is None else whole(limit, "A limit")
        if reverse:
            last -= offset
            return self._turned(max(first, last - most), last)
        first += offset
        return self._slice(first, min(last, first + most))

    def _lex_bounds(
        self, low: MemberT | None, high: MemberT | None, include_low: bool, include_high: bool
    ) -> tuple[int, int]:
        size = len(self)
        if size and self._slice(0, 1)[0][1] != self._slice(size - 1, size)[0][1]:
            raise ValueError("Ranges of members are of sets whose scores are all equal; these differ.")

        def before(rank: int, bound: MemberT, inclusive: bool) -> bool:
            member = self._slice(rank, rank + 1)[0][0]
            return not bound < member if inclusive else member < bound

        first, last = 0, size
        if low is not None:
            first = bisect_left(RANKS, True, 0, size, key=lambda rank: not before(rank, low, not include_low))
        if high is not None:
            last = bisect_left(RANKS, True, 0, size, key=lambda rank: not before(rank, high, include_high))
        return first, last

    @alone
    def count(self, low: float, high: float, *, include_low: bool = True, include_high: bool = True) -> int:
        """How many entries have scores from `low` to `high` (`ZCOUNT`)."""
        first, last = self._bounds(low, high, include_low, include_high)
        return max(0, last - first)

    def _bounds(self, low: float, high: float, include_low: bool, include_high: bool) -> tuple[int, int]:
        low, high = (number(bound, "A bound of a range of scores", finite=False) for bound in (low, high))
        return self._count_below(low, not include_low), self._count_below(high, include_high)

    def _turned(self, first: int, stop: int) -> list[tuple[MemberT, float]]:
        found = self._slice(first, stop)
        found.reverse()
        return found


def check_conditions(nx: bool, xx: bool, gt: bool, lt: bool) -> None:
    """Refuse what no member can fulfil, as Redis does."""
    if (nx and (xx or gt or lt)) or (gt and lt):
        raise ValueError("Of nx, xx, gt and lt only xx goes together with gt or with lt.")


class PlainSortedSet(Ranges[MemberT]):
    """A sorted set in plain Python: a dictionary and an order.

    Threads may share one: calls exclude each other. No method awaits, so tasks of one loop may share one too.

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

    def __contains__(self, member: object) -> bool:
        return member in self._scores

    def _told(self) -> dict[str, object]:
        return {"entries": len(self), "order": type(self._order).__name__}

    @alone
    def add(
        self, member: MemberT, score: float, *, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
    ) -> bool:
        """Set the member's score; True if the member is new. `ValueError` if the score is NaN.

        As in `ZADD`: with `nx` only new members are set, with `xx` only those that are there; with `gt` (`lt`) one that
        is there gets a greater (lower) score only. What is left out raises nothing, what excludes itself `ValueError`.
        """
        check_conditions(nx, xx, gt, lt)
        plain = number(score, "A score", finite=False)
        old = self._scores.get(member)
        if xx if old is None else nx or (gt and plain <= old) or (lt and plain >= old):
            return False
        if old != plain:
            self._order.insert(plain, member)  # first: a member that cannot be compared then leaves all as it was
            if old is not None:
                self._order.remove(old, member)
            self._scores[member] = plain
        return old is None

    @alone
    def increment(self, member: MemberT, by: float) -> float:
        """Add to the member's score, which is 0 for a new member; returns the new score."""
        step = number(by, "An increment", finite=False)
        new = step if (old := self._scores.get(member)) is None else old + step
        self.add(member, new)
        return new

    def score(self, member: MemberT) -> float | None:
        """The member's score, or None if it is not in the set."""
        return self._scores.get(member)

    @alone
    def rank(self, member: MemberT, *, reverse: bool = False) -> int | None:
        """How many entries sort before the member's (after it, with `reverse`), or None if it is not in the set."""
        score = self._scores.get(member)
        if score is None:
            return None
        rank = self._order.rank(score, member)
        return len(self) - 1 - rank if reverse else rank

    @alone
    def remove(self, member: MemberT) -> bool:
        """Take the member out; True if it was there."""
        score = self._scores.get(member)
        if score is None:
            return False
        self._order.remove(score, member)
        del self._scores[member]
        return True

    def _slice(self, start: int, stop: int) -> list[tuple[MemberT, float]]:
        return [(member, score) for score, member in self._order.slice(start, stop)]

    def _count_below(self, score: float, inclusive: bool) -> int:
        return self._order.count_below(score, inclusive=inclusive)
