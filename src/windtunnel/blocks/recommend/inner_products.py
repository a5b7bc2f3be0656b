"""The items of the greatest inner products with a user, through a graph of near vectors.

Bachrach and others, *Speeding Up the Xbox Recommender System Using a Euclidean Transformation for Inner-Product
Spaces*, RecSys 2014: with one number more, sqrt(M^2 - |x|^2), where M is the longest item's length, and 0 for users,
all items are equally long, and the nearest is the one of the greatest inner product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.blocks.ground.block import Guarded, alone
from windtunnel.blocks.ground.numbers import number, plain_array, whole
from windtunnel.blocks.vectors import HNSW

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


class InnerProducts(Guarded):
    """Maximum inner product search in an HNSW whose vectors are made equally long. Threads may share it.

    Its graph measures squared distances, a metric, where HNSW's choice of links in different directions means what it
    says; inner products are none: nothing is nearest to itself.
    """

    def __init__(self, dim: int, longest: float, *, m: int = 16, ef_construction: int = 200, seed: int = 0) -> None:
        """No items of `dim` numbers yet, of which none will be longer than `longest`."""
        self.dim = whole(dim, "The number of dimensions", 1)
        self.longest = number(longest, "The length of the longest", above=0)
        self._index = HNSW(self.dim + 1, m=m, ef_construction=ef_construction, seed=seed)

    def _told(self) -> dict[str, object]:
        return {"items": len(self), "dim": self.dim}

    def __len__(self) -> int:
        return len(self._index)

    @property
    def products_measured(self) -> int:
        """Inner products computed so far, in insertions and searches."""
        return self._index.distances_measured

    @alone
    def add(self, items: ArrayLike, keys: ArrayLike | None = None) -> Ints:
        """Insert rows of `items` (n, dim) under `keys`, by default the next free integers; returns the keys.

        Raises `ValueError` for an item that is longer than the longest.
        """
        import numpy as np

        rows = self._rows(items)
        rest = self.longest * self.longest - np.einsum("ij,ij->i", rows, rows)
        if bool((rest < -1e-9 * self.longest * self.longest).any()):
            raise ValueError(f"An item is longer than {self.longest:g}.")
        return self._index.add(np.concatenate([rows, np.sqrt(np.maximum(rest, 0))[:, None]], axis=1), keys)

    def search(self, users: ArrayLike, k: int = 10, *, ef: int | None = None) -> tuple[Ints, Floats]:
        """The `k` keys of the greatest inner products with each user (n, dim), greatest first, and the products.

        `ef`, at least `k`, is the number of candidates kept. Where fewer are found, keys are -1 and products -inf.
        """
        import numpy as np

        rows = self._rows(users)
        found, far = self._index.search(np.concatenate([rows, np.zeros((len(rows), 1))], axis=1), k, ef=ef)
        lengths = np.einsum("ij,ij->i", rows, rows)[:, None]
        return found, (lengths + self.longest * self.longest - far.astype(np.float64)) / 2

    def _rows(self, rows: ArrayLike) -> Floats:
        import numpy as np

        given = plain_array(rows, "Vectors")
        if given.ndim != 2 or given.shape[1] != self.dim or given.dtype.kind not in "fiu":
            raise ValueError(f"Vectors must have the shape (n, {self.dim}); got {given.shape}.")
        return np.asarray(given, np.float64)
