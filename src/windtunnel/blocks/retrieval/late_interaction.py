"""Late interaction: a vector for each word, compared word by word when a query comes.

Khattab and Zaharia, *ColBERT* (SIGIR 2020), 3.3: the score of a passage is the sum, over the words of the query, of the
greatest product with a word of the passage (MaxSim). A passage keeps a vector for each of its words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import whole

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class LateInteraction(Block):
    """Passages under 0, 1, 2 and so on, each as the vectors of its words. Asking changes nothing but the count.

    Kept as float32: whole numbers whose products stay below 2**24 are exact.
    """

    def __init__(self, dim: int) -> None:
        """No passages yet; a word's vector has `dim` numbers."""
        self.dim = whole(dim, "The number of dimensions", 1)
        self.products = 0
        """Products of two vectors, over all scores so far."""
        self._passages: list[NDArray[Any]] = []

    def __len__(self) -> int:
        """How many passages there are."""
        return len(self._passages)

    def _told(self) -> dict[str, object]:
        return {"passages": len(self), "dim": self.dim}

    @property
    def vectors(self) -> int:
        """How many vectors are kept."""
        return sum(map(len, self._passages))

    def add(self, passages: Iterable[ArrayLike]) -> range:
        """Add passages, each (words, dim); returns their numbers."""
        new = [self._rows(rows) for rows in passages]
        first = len(self)
        self._passages += new
        return range(first, len(self))

    def _rows(self, rows: ArrayLike) -> NDArray[Any]:
        import numpy as np

        found = np.array(rows, np.float32)
        if found.ndim != 2 or found.shape[1] != self.dim or not np.isfinite(found).all():
            raise ValueError(f"A text is rows of {self.dim} finite numbers, one for each word, not {found.shape}.")
        return found

    def scores(self, query: ArrayLike, among: Sequence[int], weights: ArrayLike | None = None) -> list[float]:
        """MaxSim of each passage `among` these; a passage without words has 0.

        Args:
            query: (words, dim).
            weights: how much each word of the query counts; 1 each where nothing is said.
        """
        import numpy as np

        words = self._rows(query)
        counts = np.ones(len(words)) if weights is None else np.asarray(weights, np.float64)
        if counts.shape != (len(words),):
            raise ValueError(f"There are {len(words)} words and {counts.size} weights.")
        chosen = [self._passages[whole(number, "The number of a passage", 0, len(self) - 1)] for number in among]
        scores = np.zeros(len(chosen))
        full = np.array([at for at, passage in enumerate(chosen) if len(passage)], np.int64)
        if len(words) and len(full):
            rows = np.concatenate(chosen)
            self.products += len(words) * len(rows)
            starts = np.cumsum([0, *(len(chosen[at]) for at in full)])[:-1]
            best = np.maximum.reduceat(words @ rows.T, starts, axis=1)
            for word, count in zip(best, counts, strict=True):
                scores[full] += word * count
        found: list[float] = scores.tolist()
        return found

    def rerank(self, query: ArrayLike, among: Sequence[int], weights: ArrayLike | None = None) -> list[int]:
        """These passages by MaxSim, best first; of equal ones the order stays."""
        scored = zip(self.scores(query, among, weights), range(len(among)), among, strict=True)
        return [number for _, _, number in sorted(scored, key=lambda one: (-one[0], one[1]))]
