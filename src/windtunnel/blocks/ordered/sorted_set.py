"""Sorted sets for batches, in compiled kernels: `sorted_set_plain` has the idea and the text to read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from windtunnel.blocks.ground.block import alone
from windtunnel.blocks.ground.numbers import MOST, floats, plain_array, whole
from windtunnel.blocks.ordered.sorted_set_plain import NOT_NAN, Batch, Floats, MemberT, Ranges, check_conditions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from windtunnel.blocks.ordered.sorted_set_members import Numbers

_VERSION = 1


class SortedSet(Ranges[MemberT]):
    """A sorted set of one kind of members (`int` of 64 bits, `str` or `bytes`) in compiled kernels.

    Batches (`..._many` and the plurals) cost about a microsecond an item. A single item costs twenty, mostly
    the way into compiled code: for one at a time `PlainSortedSet` is faster. A batch does what the same operations one
    by one would. No call moves more because the set is larger: what grows does so by bounded steps.
    Threads may share a set: calls exclude each other. No method awaits, so tasks of one loop may share one too.

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

        if order not in ("counted blocks", "skip list"):
            raise ValueError(f"The order is 'counted blocks' or 'skip list', not {order!r}.")
        self._kind = order
        self._kernel = _kernel(order)
        self._numbers: Numbers[MemberT] = numbers_of(members)
        self._order = self._kernel.Held(whole(seed, "The seed", -MOST))

    def _told(self) -> dict[str, object]:
        return {"members": self._numbers.kind.__name__, "entries": len(self), "order": self._kind}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_kernel"}  # a module

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _kernel=_kernel(state["_kind"]))

    def __deepcopy__(self, memo: dict[int, Any]) -> SortedSet[MemberT]:
        made = super().__deepcopy__(memo)
        made._kernel = self._kernel
        return made

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, member: object) -> bool:
        try:
            return self.score(cast("MemberT", member)) is not None
        except ValueError:  # it is of another kind
            return False

    def add(
        self, member: MemberT, score: float, *, nx: bool = False, xx: bool = False, gt: bool = False, lt: bool = False
    ) -> bool:
        """Set the member's score; True if the member is new. `ValueError` if the score is NaN.

        As in `ZADD`: with `nx` only new members are set, with `xx` only those that are there; with `gt` (`lt`) one that
        is there gets a greater (lower) score only. What is left out raises nothing, what excludes itself `ValueError`.
        """
        return self.add_many([member], [score], nx=nx, xx=xx, gt=gt, lt=lt) == 1

    @alone
    def add_many(
        self,
        members: Batch[MemberT],
        scores: Floats,
        *,
        nx: bool = False,
        xx: bool = False,
        gt: bool = False,
        lt: bool = False,
    ) -> int:
        """Set many scores, in order; returns how many members are new. With a NaN among the scores nothing is set.

        Conditions as in `add`, each judged after all that stands before it in the batch.
        """
        import numpy as np

        check_conditions(nx, xx, gt, lt)
        members, given = _sized(members), _scores(scores, "Scores")
        if np.isnan(given).any():
            raise ValueError(NOT_NAN)
        _check_pairs(members, given)
        if nx or xx or gt or lt:
            members, given = self._fulfilling(members, given, nx, xx, gt, lt)
        had = len(self)
        self._set(members, given, increment=False)
        return len(self) - had

    def _fulfilling(
        self, members: Batch[MemberT], scores: NDArray[np.float64], nx: bool, xx: bool, gt: bool, lt: bool
    ) -> tuple[list[MemberT], NDArray[np.float64]]:
        """Those of a batch that get their scores, in order: what is between may turn 0.0 into -0.0."""
        import numpy as np

        listed = self._numbers.plain(members)
        held = {one: old for one, old in zip(listed, self.scores(listed).tolist(), strict=True) if old == old}
        kept: list[tuple[MemberT, float]] = []
        for one, score in zip(listed, scores.tolist(), strict=True):
            old = held.get(one)
            if not (xx if old is None else nx or (gt and score <= old) or (lt and score >= old)):
                held[one] = score
                kept.append((one, score))
        return [one for one, _ in kept], np.array([score for _, score in kept], np.float64)

    def increment(self, member: MemberT, by: float) -> float:
        """Add to the member's score, which is 0 for a new member; returns the new score."""
        return float(self.increment_many([member], [by])[0])

    @alone
    def increment_many(self, members: Batch[MemberT], by: Floats) -> NDArray[np.float64]:
        """Add to many scores, in order; returns what each came to.

        Raises `ValueError`, and changes nothing, where a score would be NaN.
        """
        import numpy as np

        members, given = _sized(members), _scores(by, "Increments")
        if np.isnan(given).any():
            raise ValueError("An increment is a number, not NaN.")
        return self._set(members, given, increment=True)

    def score(self, member: MemberT) -> float | None:
        """The member's score, or None if it is not in the set."""
        score = float(self.scores([member])[0])
        return None if math.isnan(score) else score

    @alone
    def scores(self, members: Batch[MemberT]) -> NDArray[np.float64]:
        """The scores of many members; NaN where one is not in the set."""
        import numpy as np

        from windtunnel.blocks.ordered.kernels.sorted_set import scores_of

        ids, _ = self._numbers.find(_sized(members))
        out = np.empty(ids.size)
        scores_of(self._numbers.members, ids, out)
        return out

    def rank(self, member: MemberT, *, reverse: bool = False) -> int | None:
        """How many entries sort before the member's (after it, with `reverse`), or None if it is not in the set."""
        rank = int(self.ranks([member], reverse=reverse)[0])
        return None if rank < 0 else rank

    @alone
    def ranks(self, members: Batch[MemberT], *, reverse: bool = False) -> NDArray[np.int64]:
        """The ranks of many members; -1 where one is not in the set."""
        import numpy as np

        ids, words = self._numbers.find(_sized(members))
        out = np.empty(ids.size, np.int64)
        self._kernel.ranks_of(self._order.arrays, self._numbers.members, ids, words, out)
        return np.where(out < 0, -1, len(self) - 1 - out) if reverse else out

    @alone
    def ranges(
        self, starts: Sequence[int] | NDArray[np.int64], stops: Sequence[int] | NDArray[np.int64]
    ) -> tuple[Sequence[MemberT] | NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Many ranges by rank, ends included, negative ranks from the end, as in `range`.

        Returns members, scores and offsets: what the range `i` found is at `offsets[i]:offsets[i + 1]`.
        """
        import numpy as np

        first, last = _ranks(starts), _ranks(stops)
        if first.shape != last.shape:
            raise ValueError(f"There is one stop for each start, not {last.size} for {first.size}.")
        size = len(self)
        first = np.maximum(np.where(first < 0, first + size, first), 0)
        stop = np.minimum(np.where(last < 0, last + size, last), size - 1) + 1
        words, scores, offsets = self._slices(np.minimum(first, size), np.maximum(stop, np.minimum(first, size)))
        return self._numbers.names(words), scores, offsets

    @alone
    def counts(self, lows: Floats, highs: Floats) -> NDArray[np.int64]:
        """For each pair of bounds, both included, how many entries have scores between them (`count`, many times)."""
        import numpy as np

        low, high = _scores(lows, "Bounds"), _scores(highs, "Bounds")
        if low.shape != high.shape:
            raise ValueError(f"There is one upper bound for each lower, not {high.size} for {low.size}.")
        if np.isnan(low).any() or np.isnan(high).any():
            raise ValueError("A bound of a range of scores is a number, not NaN.")
        below, upto = np.empty(low.size, np.int64), np.empty(high.size, np.int64)
        self._kernel.counts_below(self._order.arrays, low, False, below)
        self._kernel.counts_below(self._order.arrays, high, True, upto)
        between: NDArray[np.int64] = np.maximum(upto - below, 0)
        return between

    def remove(self, member: MemberT) -> bool:
        """Take the member out; True if it was there."""
        return self.remove_many([member]) == 1

    @alone
    def remove_many(self, members: Batch[MemberT]) -> int:
        """Take many members out; returns how many were there."""
        ids, words = self._numbers.find(_sized(members))
        had = len(self)
        self._kernel.remove_many(self._order.arrays, self._numbers.members, ids, words)
        self._numbers.release(ids, words)
        return had - len(self)

    @alone
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
        blob: bytes | bytearray | memoryview,
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

    def _remove_all(self, entries: Sequence[tuple[MemberT, float]]) -> int:
        return self.remove_many([member for member, _ in entries])

    def _set(self, members: Batch[MemberT], scores: NDArray[np.float64], *, increment: bool) -> NDArray[np.float64]:
        import numpy as np

        from windtunnel.blocks.ordered.kernels.sorted_set import scores_of

        _check_pairs(members, scores)
        ids, words = self._numbers.intern(members)
        out, done = np.empty(ids.size), 0
        before = np.empty(ids.size)
        if increment:
            scores_of(self._numbers.members, ids, before)
        while True:
            m = self._numbers.members
            done = self._kernel.set_scores(self._order.arrays, m, ids, words, scores, increment, out, done)
            if done == ids.size:
                return out
            if self._order.arrays.meta[self._kernel.NAN_AT] >= 0:
                self._restore(ids[:done], words[:done], before[:done])
                self._numbers.release(ids, words)
                raise ValueError(f"{NOT_NAN[:-1]}, which item {done} of the batch would be.")
            self._order.grow()

    def _restore(self, ids: NDArray[np.int64], words: NDArray[np.int64], scores: NDArray[np.float64]) -> None:
        """Give members the scores that they had, and none to those that had none (NaN)."""
        import numpy as np

        had, m = ~np.isnan(scores), self._numbers.members
        self._kernel.remove_many(self._order.arrays, m, ids, words)  # all: 0.0 would not give way to -0.0
        ids, words, scores = ids[had], words[had], scores[had]
        out, done = np.empty(ids.size), 0
        while (done := self._kernel.set_scores(self._order.arrays, m, ids, words, scores, False, out, done)) < ids.size:
            self._order.grow()

    def _slices(
        self, starts: NDArray[np.int64], stops: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
        """Words and scores at ranks `starts[i]` to `stops[i] - 1`, all in the set, and where each slice begins."""
        import numpy as np

        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(stops - starts)])
        words, scores = np.empty(offsets[-1], np.int64), np.empty(offsets[-1])
        self._kernel.slices(self._order.arrays, starts, stops, offsets, words, scores)
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
        self._kernel.counts_below(self._order.arrays, np.array([score], np.float64), inclusive, out)
        return int(out[0])


def _kernel(order: str) -> Any:
    """Any: the two modules have the same functions, each over its own arrays."""
    if order == "counted blocks":
        from windtunnel.blocks.ordered.kernels import counted_blocks

        return counted_blocks
    from windtunnel.blocks.ordered.kernels import skip_list

    return skip_list


def _sized(members: Any) -> Any:
    """A batch whose length is known."""
    if isinstance(members, set | frozenset | dict) or not hasattr(members, "__len__"):
        if not hasattr(members, "__iter__"):
            raise ValueError(
                "A batch of members is a list or an array; for one member use the method for single items."
            )
        return list(members)
    return members


def _check_pairs(members: Any, scores: NDArray[np.float64]) -> None:
    if scores.shape != (len(members),):
        raise ValueError(f"A batch has one score a member: {len(members)} members, scores of shape {scores.shape}.")


def _scores(values: Any, name: str) -> NDArray[np.float64]:
    row = floats(values, name)
    if row.ndim != 1:
        raise ValueError(f"{name} are a row of numbers, not of {row.ndim} dimensions.")
    return row


def _ranks(values: Any) -> NDArray[np.int64]:
    import numpy as np

    row = plain_array(values, "Ranks")
    if row.ndim != 1 or (row.size and row.dtype.kind not in "iu"):
        raise ValueError(f"Ranks are a row of integers, not {row.dtype} of shape {row.shape}.")
    return row.astype(np.int64)
