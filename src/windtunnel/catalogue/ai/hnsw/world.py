"""Items and queries as vectors of small whole numbers, so that their distances are the same on every machine."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np

Array: TypeAlias = "np.ndarray[Any, Any]"
CLUSTERS, TIGHT = 32, 6
"""Of clustered items: how many groups, and how many times narrower than the sheet each is."""
WIDE, NOISE, SPREAD = 100, 6, 577.0
"""A sheet's numbers lie within so many of nought, with twice a number up to `NOISE` added; and the standard deviation
of the sum of `DRAWN` numbers from -500 to 500."""
DRAWN = 4
LEVELS = 256
"""A uniform number is one of these."""
COPIED = 4
"""Vectors that all copies are copies of."""


class WorldSetting(Protocol):
    """What vectors are made of."""

    @property
    def items(self) -> int: ...
    @property
    def queries(self) -> int: ...
    @property
    def dim(self) -> int: ...
    @property
    def data(self) -> str: ...
    @property
    def latent(self) -> int: ...
    @property
    def copies(self) -> float: ...


class World(NamedTuple):
    """Vectors as float32 that hold whole numbers: sums of so few squares of them are exact in any order.

    Attributes:
        items: (items, dim); queries: (queries, dim).
        same: by item the first one that has its vector.
        order: items in the order in which they are deleted.
        chance: of each item a number from 0 to 1, by which filters choose.
        edges: how far the farthest that is wanted is from each query, by what may be told.
        graphs: HNSW's, saved, with the distances that were measured for it, by its settings and what was added in which
            turns. These two are the same for all designs, and found once.
    """

    items: Array
    queries: Array
    same: Array
    order: Array
    chance: Array
    edges: dict[tuple[int, bytes], Array]
    graphs: dict[tuple[object, ...], tuple[bytes, int]]


@lru_cache(maxsize=2)
def _made(seed: int, items: int, queries: int, dim: int, data: str, latent: int, copies: float) -> World:
    import numpy as np

    luck = np.random.default_rng(seed)

    def near_nought(*shape: int) -> Array:
        """Whole numbers, nearly normal."""
        drawn: Array = luck.integers(-500, 501, (DRAWN, *shape)).sum(axis=0)
        return drawn

    many = items + queries
    if data == "uniform":
        both = luck.integers(0, LEVELS, (many, dim))
    else:
        sheet, place = near_nought(latent, dim), near_nought(many, latent)
        if data == "clusters":
            place = near_nought(CLUSTERS, latent)[luck.integers(0, CLUSTERS, many)] + place // TIGHT
        bent = sum(place[:, i : i + 1] * sheet[i] for i in range(latent)) / (2 * SPREAD * SPREAD)
        both = np.rint(WIDE * bent / np.sqrt(1 + bent * bent)).astype(np.int64)
        both = both + luck.integers(-NOISE, NOISE + 1, (2, many, dim)).sum(axis=0)
    rows = both.astype(np.float32)
    if copies:  # queries are of the same kind as items: as many of them are a copy
        copied = luck.choice(items, COPIED, replace=False)
        for first_of, many_of in ((0, items), (items, queries)):
            chosen = first_of + luck.choice(many_of, round(copies * many_of), replace=False)
            rows[chosen] = rows[copied[luck.integers(0, COPIED, len(chosen))]]
    first: dict[bytes, int] = {}
    same = np.array([first.setdefault(row.tobytes(), at) for at, row in enumerate(rows[:items])])
    return World(rows[:items], rows[items:], same, luck.permutation(items), luck.random(items), {}, {})


def world(seed: int, p: WorldSetting) -> World:
    """The items and queries of a seed: on a curved sheet of few dimensions in many, in groups on it, or uniform."""
    return _made(seed, p.items, p.queries, p.dim, p.data, p.latent, p.copies)
