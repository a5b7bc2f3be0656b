"""What a model that learns vectors has to beat: what everybody takes, what comes together, and EASE.

Steck, *Embarrassingly Shallow Autoencoders for Sparse Data*, WWW 2019: the weights between items that tell each history
best from itself, with none from an item to itself, in closed form from one inverse.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import number, whole
from windtunnel.blocks.recommend.frequency import MOST_ITEMS
from windtunnel.blocks.recommend.interactions import Histories, as_pairs
from windtunnel.blocks.recommend.two_towers import first, one_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MOST_SQUARE = 1 << 14
"""Items of which a number is kept for each two."""


class _Rival(Block):
    """Scores of all items for each user, from what users took. Threads may ask while nobody fits."""

    def __init__(self, users: int, items: int) -> None:
        """Of so many users and items, of which nothing is known yet."""
        self.users = whole(users, "The number of users", 1, MOST_ITEMS)
        self.items = whole(items, "The number of items", 1, MOST_ITEMS)
        self._histories = Histories.of(as_pairs([], self.users, self.items), self.users, self.items)

    def _told(self) -> dict[str, object]:
        return {"users": self.users, "items": self.items, "pairs": len(self._histories.items)}

    def fit(self, pairs: ArrayLike) -> None:
        """Takes `pairs` (n, 2) of a user and an item for all that happened. Raises `ValueError` for what is none."""
        self._histories = Histories.of(as_pairs(pairs, self.users, self.items), self.users, self.items)

    def scores(self, users: ArrayLike) -> Floats:
        """Of all items for each user, (users, items)."""
        raise NotImplementedError

    def recommend(self, users: ArrayLike, k: int = 10, *, seen: Histories | None = None) -> Ints:
        """The `k` items of the highest scores of each user, (n, k), best first, -1 where there are fewer."""
        asked = one_of(users, self.users)
        return first(self.scores(asked), k, seen, asked)


class Popularity(_Rival):
    """What most users took, to everybody."""

    def scores(self, users: ArrayLike) -> Floats:
        """How many users took each item, the same for all, (users, items)."""
        import numpy as np

        counts = np.bincount(self._histories.items, minlength=self.items).astype(np.float64)
        return np.tile(counts, (len(one_of(users, self.users)), 1))


class _Square(_Rival):
    """With a number for each two items, which a history's items are summed over."""

    def __init__(self, users: int, items: int) -> None:
        import numpy as np

        super().__init__(users, whole(items, "The number of items", 1, MOST_SQUARE))
        self.weights: Floats = np.zeros((self.items, self.items))
        """(items, items): what an item that a user took says for each other one."""

    def fit(self, pairs: ArrayLike) -> None:
        import numpy as np

        from windtunnel.blocks.recommend.kernels.items import together

        super().fit(pairs)
        self.weights = np.zeros((self.items, self.items))
        together(self._histories.starts, self._histories.items, self.weights)

    def scores(self, users: ArrayLike) -> Floats:
        """The sum of the weights of what each user took, (users, items)."""
        import numpy as np

        from windtunnel.blocks.recommend.kernels.items import summed

        own = self._histories.some(one_of(users, self.users))
        found = np.empty((len(own.starts) - 1, self.items))
        summed(own.starts, own.items, self.weights, found)
        return found


class ItemCosine(_Square):
    """Items whose takers are the same as those of what a user took (Sarwar, Karypis, Konstan and Riedl, WWW 2001)."""

    def __init__(self, users: int, items: int, *, shrink: float = 0.0) -> None:
        """`shrink` is added to what the number of those who took both is divided by: few prove little."""
        super().__init__(users, items)
        self.shrink = number(shrink, "The shrinkage", 0)

    def fit(self, pairs: ArrayLike) -> None:
        """Takes `pairs` (n, 2) of a user and an item for all that happened. Raises `ValueError` for what is none."""
        from windtunnel.blocks.recommend.kernels.items import cosines

        super().fit(pairs)
        cosines(self.weights, self.shrink)


class Ease(_Square):
    """Weights between items that tell histories best from themselves: a ridge regression in closed form."""

    def __init__(self, users: int, items: int, *, ridge: float = 100.0) -> None:
        """`ridge` is added to the diagonal of who came together."""
        super().__init__(users, items)
        self.ridge = number(ridge, "The ridge", above=0)

    def fit(self, pairs: ArrayLike) -> None:
        """Takes `pairs` (n, 2) of a user and an item for all that happened. Raises `ValueError` for what is none."""
        import numpy as np

        from windtunnel.blocks.recommend.kernels.items import invert

        super().fit(pairs)
        self.weights[np.arange(self.items), np.arange(self.items)] += self.ridge
        if not invert(self.weights):
            raise ValueError(f"The matrix has no inverse in floats: a ridge of {self.ridge:g} is too little.")
        self.weights /= -np.diagonal(self.weights)[None, :].copy()
        self.weights[np.arange(self.items), np.arange(self.items)] = 0.0
