"""Who took what: pairs of a user and an item, in the order in which they came."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from windtunnel.blocks.ground.numbers import plain_array

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Ints = NDArray[np.int64]


def as_pairs(pairs: ArrayLike, users: int, items: int) -> Ints:
    """`pairs` (n, 2) as int64. Raises `ValueError` for another shape, and for a user or an item that there is not."""
    import numpy as np

    given = plain_array(pairs, "Pairs")
    if not given.size:
        return np.empty((0, 2), np.int64)
    if given.ndim != 2 or given.shape[1] != 2 or given.dtype.kind not in "iu":
        raise ValueError(f"Pairs are rows of a user and an item, whole numbers; got {given.dtype} of {given.shape}.")
    for column, name, many in ((0, "user", users), (1, "item", items)):
        least, most = int(given[:, column].min()), int(given[:, column].max())
        if least < 0 or most >= many:
            raise ValueError(f"There are {many} {name}s, from 0; got {name} {least if least < 0 else most}.")
    return np.ascontiguousarray(given, np.int64)


class Histories(NamedTuple):
    """What each user has taken, each item once: user u has `items[starts[u] : starts[u + 1]]`, in ascending order."""

    starts: Ints
    items: Ints

    @classmethod
    def of(cls, pairs: Ints, users: int, items: int) -> Histories:
        """Of pairs that `as_pairs` has seen."""
        import numpy as np

        keys = np.unique(pairs[:, 0] * items + pairs[:, 1])
        starts = np.searchsorted(keys, np.arange(users + 1) * items)
        return cls(starts.astype(np.int64), keys % items)

    def some(self, who: Ints) -> Histories:
        """Those of these users, in this order."""
        import numpy as np

        many = self.starts[who + 1] - self.starts[who]
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(many)])
        within = np.arange(starts[-1]) - np.repeat(starts[:-1], many)
        return Histories(starts, self.items[np.repeat(self.starts[who], many) + within])
