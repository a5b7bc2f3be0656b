"""Completion as one types, in compiled kernels: `prefix_completion_plain` has the idea and the text to read.

The terms lie sorted in one array, so that those with a prefix are neighbours, and over them stands a tree of the
greatest weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Self, TypeAlias

from windtunnel.blocks.ground.array_file import seal_arrays, unseal_arrays
from windtunnel.blocks.ground.block import Guarded, alone
from windtunnel.blocks.ground.numbers import MOST, floats
from windtunnel.blocks.text.prefix_completion_plain import ABSENT, Completion, checked_k, checked_weight

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from windtunnel.blocks.ground.hashing import ArrowColumn
    from windtunnel.blocks.text.kernels.prefix_completion import Terms

Texts: TypeAlias = "Sequence[str] | ArrowColumn"

_KIND, _VERSION = "prefix completion", 1


class PrefixCompletion(Guarded):
    """Completion in compiled kernels, for batches.

    A changed weight costs a climb through the tree; after *new* terms the next question sorts them in, in time that
    grows with all terms. A question asked alone costs about twenty microseconds, mostly the way into compiled code.
    Threads may share one: calls exclude each other. No method awaits, so tasks of one loop may share one too.

    >>> cities = PrefixCompletion()
    >>> cities.add_many(["bern", "berlin", "bergen", "oslo"], [134, 3645, 289, 709])
    4
    >>> terms, weights, offsets = cities.complete_many(["ber", "o"], 2)
    >>> terms, weights.tolist(), offsets.tolist()
    (['berlin', 'bergen', 'oslo'], [3645.0, 289.0, 709.0], [0, 2, 3])
    """

    def __init__(self) -> None:
        self._new: dict[str, float] = {}  # terms that are not yet among the sorted ones
        self._sorted: list[str] = []
        self._ranks: dict[str, int] = {}  # by term: its place among the sorted; gone from here when removed
        self._terms: Terms | None = None

    def __len__(self) -> int:
        return len(self._new) + len(self._ranks)

    def _told(self) -> dict[str, object]:
        return {"terms": len(self)}

    def __contains__(self, term: object) -> bool:
        return term in self._new or term in self._ranks

    @alone
    def weight(self, term: str) -> float | None:
        """The weight of a term, or None if it is not there."""
        rank = self._ranks.get(term)
        if rank is None or self._terms is None:
            return self._new.get(term)
        return float(self._terms.tree[self._terms.tree.size // 2 + rank])

    def add(self, term: str, weight: float) -> bool:
        """Set the term's weight, a finite number (`ValueError`); True if the term is new."""
        return self.add_many([term], [weight]) == 1

    @alone
    def add_many(self, terms: Texts, weights: Sequence[float] | NDArray[np.float64]) -> int:
        """Set many weights, in order; returns how many terms are new.

        With a weight among them that is no finite number nothing is set (`ValueError`).
        """
        import numpy as np

        texts, given = _texts(terms), floats(weights, "Weights")
        if given.shape != (len(texts),):
            raise ValueError(f"There is one weight a term; {len(texts)} terms came with weights {given.shape}.")
        if not np.isfinite(given).all():
            checked_weight(float(given[~np.isfinite(given)][0]))
        had = len(self)
        ranks = np.fromiter(map(self._ranks.get, texts, repeat(-1)), np.int64, len(texts))
        self._put(ranks, given)
        if (ranks < 0).any():
            unknown = np.flatnonzero(ranks < 0).tolist()
            self._new.update(zip(map(texts.__getitem__, unknown), given[unknown].tolist(), strict=True))
        return len(self) - had

    def remove(self, term: str) -> bool:
        """Take the term out; True if it was there."""
        return self.remove_many([term]) == 1

    @alone
    def remove_many(self, terms: Texts) -> int:
        """Take many terms out; returns how many were there."""
        import numpy as np

        had = len(self)
        gone = [self._ranks.pop(term, -1) for term in _texts(terms) if self._new.pop(term, None) is None]
        self._put(np.array(gone, np.int64), np.full(len(gone), ABSENT))
        return had - len(self)

    def complete(self, prefix: str, k: int = 10) -> list[Completion]:
        """The `k` terms of greatest weight that begin with the prefix, greatest first."""
        terms, weights, _ = self.complete_many([prefix], k)
        return list(zip(terms, weights.tolist(), strict=True))

    @alone
    def complete_many(self, prefixes: Texts, k: int = 10) -> tuple[list[str], NDArray[np.float64], NDArray[np.int64]]:
        """`complete` for many prefixes.

        Returns terms, weights and offsets: what was found for prefix `i` is at `offsets[i]:offsets[i + 1]`.
        """
        import numpy as np

        from windtunnel.blocks.text.kernels.prefix_completion import best_of_ranges, find_ranges

        k = min(checked_k(k), MOST)
        text, starts = _bytes_of(_texts(prefixes))
        terms = self._settled()
        lows, highs = np.empty((2, starts.size - 1), np.int64)
        find_ranges(terms, len(self._sorted), text, starts, lows, highs)
        sizes = np.minimum(highs - lows, k)
        ranks, weights = np.empty(sizes.sum(), np.int64), np.empty(sizes.sum())
        offsets = np.zeros(starts.size, np.int64)
        most = int(sizes.max(initial=0))
        found = best_of_ranges(terms.tree, lows, highs, most, ranks, weights, offsets)
        return self._names(ranks[:found].tolist()), weights[:found], offsets

    @alone
    def to_bytes(self) -> bytes:
        """Terms and weights, with version and checksum; the same entries give the same bytes."""
        terms = self._settled()
        ranks = sorted(self._ranks.values())
        first_leaf = terms.tree.size // 2
        text, starts = _bytes_of(self._names(ranks))
        weights = terms.tree[first_leaf : first_leaf + len(self._sorted)][ranks]
        return seal_arrays(_KIND, _VERSION, {}, {"text": text, "starts": starts, "weights": weights})

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> Self:
        """What `to_bytes` saved. Raises `envelope.DamagedError` for anything else."""
        _, arrays = unseal_arrays(_KIND, _VERSION, data)
        text, starts = arrays["text"].tobytes(), arrays["starts"].tolist()
        made = cls()
        terms = [text[at:end].decode("utf-8", "surrogatepass") for at, end in pairwise(starts)]
        made.add_many(terms, arrays["weights"])
        return made

    def _names(self, ranks: list[int]) -> list[str]:
        # One call for all: half of what a loop in Python takes. It gives a tuple from two on.
        return list(itemgetter(*ranks)(self._sorted)) if len(ranks) > 1 else [self._sorted[rank] for rank in ranks]

    def _put(self, ranks: NDArray[np.int64], weights: NDArray[np.float64]) -> None:
        """Set the weights of sorted terms; what is not sorted yet has rank -1 and is left out."""
        from windtunnel.blocks.text.kernels.prefix_completion import put_weights

        if self._terms is not None:
            put_weights(self._terms.tree, ranks, weights)

    def _settled(self) -> Terms:
        """The compiled form of all terms: made anew if there are new ones."""
        import numpy as np

        from windtunnel.blocks.text.kernels.prefix_completion import terms_of

        if self._terms is not None and not self._new:
            return self._terms
        entries = dict(self._new)
        if self._terms is not None:
            first_leaf = self._terms.tree.size // 2
            old = self._terms.tree[first_leaf : first_leaf + len(self._sorted)].tolist()
            entries.update((term, old[rank]) for term, rank in self._ranks.items())
        self._sorted = sorted(entries)  # by code points, which is the order of the bytes of UTF-8
        self._ranks = dict(zip(self._sorted, range(len(entries)), strict=True))
        text, starts = _bytes_of(self._sorted)
        weights = np.fromiter(map(entries.__getitem__, self._sorted), np.float64, len(entries))
        self._terms = terms_of(text, starts, weights)
        self._new = {}
        return self._terms


def _bytes_of(texts: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The texts as UTF-8, one after another, and where each begins, with the end of the last."""
    import numpy as np

    joined: str | bytes = "".join(texts)
    if joined.isascii():
        lengths = list(map(len, texts))
        joined = joined.encode()  # type: ignore[union-attr]  # it is still the text
    else:
        # "surrogatepass" keeps even a lone surrogate in the order of code points.
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        lengths = list(map(len, encoded))
        joined = b"".join(encoded)
    starts = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    return np.frombuffer(joined, np.uint8), starts


def _texts(texts: Any) -> list[str]:
    """A list of strings from any source; `ValueError` if something else is among them."""
    if isinstance(texts, str) or not hasattr(texts, "__iter__"):
        raise ValueError("A batch is a list or an array; for one text use the method for single items.")
    values: Iterable[Any] = texts.to_pylist() if hasattr(texts, "to_pylist") else texts
    listed = list(values)
    if listed and set(map(type, listed)) != {str}:
        wrong = [text for text in listed if not isinstance(text, str)]
        if wrong:
            raise ValueError(f"Terms and prefixes are strings, not {wrong[0]!r}.")
        return [str.__str__(text) for text in listed]
    return listed
