"""Sorted sets for batches, in compiled kernels: `sorted_set_plain` has the idea and the text to read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from windtunnel.blocks.ordered.sorted_set_plain import NOT_NAN, Batch, Floats, MemberT, Ranges

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from windtunnel.blocks.ordered.sorted_set_members import Numbers

_VERSION = 1


class SortedSet(Ranges[MemberT]):
    """A sorted set of one kind of members (`int` of 64 bits, `str` or `bytes`) in compiled kernels.

    Batches (`..._many` and the plurals) cost about a microsecond an item. A single item costs twenty, mostly
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
        from windtunnel.blocks.ordered.sorted_set_members import numbers_of

        # Any: the two kernel modules have the same functions, each over its own arrays.
        self._kernel: Any
        if order == "counted blocks":
            from windtunnel.blocks.ordered.kernels import counted_blocks

            self._kernel = counted_blocks
        elif order == "skip list":
            from windtunnel.blocks.ordered.kernels import skip_list

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
        """Set the member's score; True if the member is new. `ValueError` if the score is NaN."""
        return self.add_many([member], [score]) == 1

    def add_many(self, members: Batch[MemberT], scores: Floats) -> int:
        """Set many scores, in order; returns how many members are new. With a NaN among the scores nothing is set."""
        import numpy as np

        given = _floats(scores)
        if np.isnan(given).any():
            raise ValueError(NOT_NAN)
        had = len(self)
        self._set(members, given, increment=False)
        return len(self) - had

    def increment(self, member: MemberT, by: float) -> float:
        """Add to the member's score, which is 0 for a new member; returns the new score."""
        return float(self.increment_many([member], [by])[0])

    def increment_many(self, members: Batch[MemberT], by: Floats) -> NDArray[np.float64]:
        """Add to many scores, in order; returns what each came to.

        Raises `ValueError` where a score would be NaN; what stands before it in the batch has been done.
        """
        return self._set(members, _floats(by), increment=True)

    def score(self, member: MemberT) -> float | None:
        """The member's score, or None if it is not in the set."""
        score = float(self.scores([member])[0])
        return None if math.isnan(score) else score

    def scores(self, members: Batch[MemberT]) -> NDArray[np.float64]:
        """The scores of many members; NaN where one is not in the set."""
        import numpy as np

        from windtunnel.blocks.ordered.kernels.sorted_set import scores_of

        ids, _ = self._numbers.find(members)
        out = np.empty(ids.size)
        scores_of(self._numbers.members, ids, out)
        return out

    def rank(self, member: MemberT, *, reverse: bool = False) -> int | None:
        """How many entries sort before the member's (after it, with `reverse`), or None if it is not in the set."""
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

        Returns members, scores and offsets: what the range `i` found is at `offsets[i]:offsets[i + 1]`.
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

        from windtunnel.blocks.ground.array_file import seal_arrays

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
        """What `to_bytes` wrote. Raises `envelope.DamagedError` unless `blob` is whole and of this kind."""
        from windtunnel.blocks.ground.array_file import unseal_arrays

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
                raise ValueError(f"{NOT_NAN[:-1]}, which item {done} of the batch would be.")
            self._order = self._kernel.grown(self._order)

    def _slices(
        self, starts: NDArray[np.int64], stops: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Words and scores at ranks `starts[i]` to `stops[i] - 1`, all in the set, and where each slice begins."""
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
