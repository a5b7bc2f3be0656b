"""People, things, and who would take what: a law that is known here, and pairs drawn from it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from windtunnel.portable import exp

if TYPE_CHECKING:
    import numpy as np

Array: TypeAlias = "np.ndarray[Any, Any]"
SPREAD = 577.0
"""The standard deviation of the sum of four numbers from -500 to 500."""
FIRST = 2.0
"""The r-th most popular item is taken as 1 / (r + FIRST) is, to the power of `zipf`."""
CHECKED, TESTED = 2, 4
"""Pairs of each user that come after those to learn from: to tune with, and to be judged by."""


class WorldSetting(Protocol):
    """What a world is made of."""

    @property
    def users(self) -> int: ...
    @property
    def items(self) -> int: ...
    @property
    def history(self) -> int: ...
    @property
    def latent(self) -> int: ...
    @property
    def taste(self) -> float: ...
    @property
    def zipf(self) -> float: ...


class World(NamedTuple):
    """What is known of a seed's world.

    Attributes:
        law: (users, items), how likely a user is to take an item next, up to a factor of the user's.
        taken: (users, history + CHECKED + TESTED): what each user took, one after the other, no item twice.
    """

    law: Array
    taken: Array

    def pairs(self, first: int, last: int) -> Array:
        """What all took as their `first` to `last - 1`, rows of a user and an item."""
        return pairs_of(self.taken[:, first:last])


def pairs_of(taken: Array) -> Array:
    """What each row has, one pair each: rows of a row's number and an item."""
    import numpy as np

    return np.stack([np.repeat(np.arange(len(taken)), taken.shape[1]), taken.ravel()], axis=1)


@lru_cache(maxsize=2)
def _made(seed: int, users: int, items: int, history: int, latent: int, taste: float, zipf: float) -> World:
    import numpy as np

    luck = np.random.default_rng(seed)

    def nearly_normal(*shape: int) -> Array:
        drawn: Array = luck.integers(-500, 501, (4, *shape)).sum(axis=0) / SPREAD
        return drawn

    people, things = nearly_normal(users, latent), nearly_normal(items, latent) / latent**0.5
    liked = taste * np.einsum("uk,ik->ui", people, things)
    popular = luck.permutation([(rank + FIRST) ** -zipf for rank in range(items)])
    law = exp(liked - liked.max(axis=1, keepdims=True)) * popular
    # Who comes first of clocks that ring at rates is drawn by those rates, and then the next of those that are left.
    rings = luck.standard_exponential((users, items)) / law
    many = history + CHECKED + TESTED
    return World(law, np.argsort(rings, axis=1, kind="stable")[:, :many])


def world(seed: int, p: WorldSetting) -> World:
    """The world of a seed: `log law = log popularity + taste . thing`."""
    return _made(seed, p.users, p.items, p.history, p.latent, p.taste, p.zipf)
