"""Two towers: users and items as vectors of one space, trained by a softmax over the items of each batch.

Covington, Adams and Sargin, *Deep Neural Networks for YouTube Recommendations*, RecSys 2016, and Yi and others (2019,
see `StreamingFrequency`). A tower knows a user, or an item, by features that have a vector each, and takes their mean.
What it gives for an item does not depend on the user, so that the vectors of all items can lie in an index: see
`InnerProducts`.

In a batch of pairs each row's own item stands against those of the others. These are drawn as often as they are
taken: an item stands as negative the more often the more popular it is, and what is learned is how much likelier a user
takes an item than others do. logQ takes the logarithm of how often an item is a candidate from its logit, while
training alone, and what is learned is how likely the user takes it. Mixed negatives (Yang and others, WWW 2020) are
items drawn evenly that stand against all rows of a batch: of those that hardly ever come anybody learns too.

`plain` has the same in NumPy, to read and to test with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from windtunnel.blocks.ground.array_file import seal_arrays, unseal_arrays
from windtunnel.blocks.ground.block import Guarded, alone
from windtunnel.blocks.ground.numbers import number, plain_array, whole
from windtunnel.blocks.recommend.frequency import MOST_ITEMS, StreamingFrequency
from windtunnel.blocks.recommend.interactions import Histories, as_pairs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

_KIND = "two towers"
_VERSION = 1
MOST_DIM = 4096
AT_ONCE = 1024
"""Users whose scores of all items are held at once."""


class TwoTowers(Guarded):
    """A tower for users and one for items. The same calls with the same `seed` train the same vectors.

    Threads may share it: calls exclude each other.
    """

    def __init__(
        self,
        users: int,
        items: int,
        dim: int = 16,
        *,
        temperature: float = 0.1,
        negatives: int = 0,
        corrected: bool = True,
        unit: bool = True,
        rate: float = 0.1,
        weight: float = 0.05,
        user_features: ArrayLike | None = None,
        item_features: ArrayLike | None = None,
        seed: int = 0,
    ) -> None:
        """Nothing is learned yet.

        Args:
            temperature: what inner products are divided by.
            negatives: items drawn evenly that stand against each batch besides its own.
            corrected: whether logQ is taken from the logits while training.
            unit: whether vectors have the length 1.
            rate: the step of AdaGrad.
            weight: of the last gap between two times of an item, see `StreamingFrequency`.
            user_features, item_features: rows of feature numbers, (users, some) and (items, some), -1 for none; by
                default each has one of its own.

        Raises `ValueError` for numbers that make no sense, and for a row without features.
        """
        import numpy as np

        self.users = whole(users, "The number of users", 1, MOST_ITEMS)
        self.items = whole(items, "The number of items", 1, MOST_ITEMS)
        self.dim = whole(dim, "The number of dimensions", 1, MOST_DIM)
        self.temperature = number(temperature, "The temperature", above=0)
        self.negatives = whole(negatives, "The number of mixed negatives")
        self.corrected, self.unit = bool(corrected), bool(unit)
        self.rate = number(rate, "The rate", above=0)
        self.seed = whole(seed, "The seed")
        self.frequency = StreamingFrequency(self.items, weight=weight)
        self.epochs = 0
        self._user_features = as_features(user_features, self.users, "user")
        self._item_features = as_features(item_features, self.items, "item")
        luck = np.random.default_rng(self.seed)
        rows = [int(of.max()) + 1 for of in (self._user_features, self._item_features)]
        self._user_table, self._item_table = ((luck.random((many, self.dim)) - 0.5) / self.dim**0.5 for many in rows)
        self._user_seen, self._item_seen = (np.zeros((many, self.dim)) for many in rows)

    def _told(self) -> dict[str, object]:
        return {"users": self.users, "items": self.items, "dim": self.dim, "epochs": self.epochs}

    @alone
    def train(self, pairs: ArrayLike, *, epochs: int = 1, batch: int = 64) -> list[float]:
        """Goes through `pairs` (n, 2) of a user and an item so often, each time in another order, in steps of `batch`.

        Returns the mean loss of each time. Raises `ValueError` for pairs that are none.
        """
        import numpy as np

        from windtunnel.blocks.recommend.kernels.towers import train

        given = as_pairs(pairs, self.users, self.items)
        batch = whole(batch, "The batch", 1, MOST_ITEMS)
        losses = list[float]()
        for _ in range(whole(epochs, "The number of epochs") if len(given) else 0):
            luck = np.random.default_rng([self.seed, self.epochs, 1])
            order = luck.permutation(len(given))
            drawn = luck.integers(0, self.items, (-(-len(given) // batch), self.negatives))
            losses.append(
                train(
                    given, order, batch, drawn, self._user_features, self._item_features, self._user_table,
                    self._item_table, self._user_seen, self._item_seen, self.frequency._last, self.frequency._gaps,
                    self.frequency.came, self.frequency.weight, self.corrected, self.unit, self.temperature, self.rate,
                )
            )  # fmt: skip
            self.frequency.came += len(given)
            self.epochs += 1
        return losses

    @alone
    def user_vectors(self, users: ArrayLike | None = None) -> Floats:
        """What the tower of users gives for these, (n, dim); without any for all."""
        return self._embedded(self._user_features, self._user_table, users)

    @alone
    def item_vectors(self, items: ArrayLike | None = None) -> Floats:
        """What the tower of items gives for these, (n, dim); without any for all."""
        return self._embedded(self._item_features, self._item_table, items)

    def _embedded(self, features: Ints, table: Floats, which: ArrayLike | None) -> Floats:
        import numpy as np

        from windtunnel.blocks.recommend.kernels.towers import embed

        chosen = np.arange(len(features)) if which is None else one_of(which, len(features))
        vectors = np.empty((len(chosen), self.dim))
        embed(features, table, chosen, self.unit, vectors, np.empty(len(chosen)))
        return vectors

    def scores(self, users: ArrayLike, items: ArrayLike | None = None) -> Floats:
        """The inner products over the temperature, (users, items): the logits of training, before logQ."""
        import numpy as np

        from windtunnel.blocks.recommend.kernels.towers import products

        asked, offered = self.user_vectors(users), self.item_vectors(items)
        found = np.empty((len(asked), len(offered)))
        products(asked, offered, found)
        found /= self.temperature
        return found

    def recommend(self, users: ArrayLike, k: int = 10, *, seen: Histories | None = None) -> Ints:
        """The `k` items of the highest scores of each user, (n, k), best first, -1 where there are fewer.

        Args:
            seen: what is not told again: histories of all users.
        """
        import numpy as np

        asked = one_of(users, self.users)
        found = [first(self.scores(asked[at : at + AT_ONCE]), k, seen, asked[at : at + AT_ONCE])
                 for at in range(0, len(asked), AT_ONCE)]  # fmt: skip
        return np.concatenate(found) if found else np.empty((0, k), np.int64)

    @alone
    def to_bytes(self) -> bytes:
        """All that is learned, with version and checksum; it trains on as the original would."""
        import numpy as np

        settings = {"users": self.users, "items": self.items, "dim": self.dim, "negatives": self.negatives}
        settings |= {"corrected": int(self.corrected), "unit": int(self.unit), "seed": self.seed}
        settings |= {"epochs": self.epochs, "came": self.frequency.came}
        arrays = {
            "numbers": np.array([self.temperature, self.rate, self.frequency.weight]),
            "user_features": self._user_features, "item_features": self._item_features,
            "user_table": self._user_table, "item_table": self._item_table,
            "user_seen": self._user_seen, "item_seen": self._item_seen,
            "last": self.frequency._last, "gaps": self.frequency._gaps,
        }  # fmt: skip
        return seal_arrays(_KIND, _VERSION, settings, arrays)

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> Self:
        """What `to_bytes` saved. Raises `envelope.DamagedError` for anything else."""
        settings, arrays = unseal_arrays(_KIND, _VERSION, data)
        temperature, rate, weight = arrays["numbers"].tolist()
        made = cls(
            settings["users"], settings["items"], settings["dim"], temperature=temperature, rate=rate, weight=weight,
            negatives=settings["negatives"], corrected=bool(settings["corrected"]), unit=bool(settings["unit"]),
            user_features=arrays["user_features"], item_features=arrays["item_features"], seed=settings["seed"],
        )  # fmt: skip
        for name in ("user_table", "item_table", "user_seen", "item_seen"):
            setattr(made, f"_{name}", arrays[name].copy())
        made.frequency._last, made.frequency._gaps = arrays["last"].copy(), arrays["gaps"].copy()
        made.frequency.came, made.epochs = settings["came"], settings["epochs"]
        return made


def as_features(given: ArrayLike | None, many: int, name: str) -> Ints:
    """Feature numbers of each, (many, some); by default a number of its own. Raises `ValueError` for what is none."""
    import numpy as np

    if given is None:
        return np.arange(many)[:, None]
    rows = plain_array(given, "Features")
    if rows.ndim != 2 or len(rows) != many or rows.dtype.kind not in "iu" or not rows.shape[1]:
        raise ValueError(f"Features are {many} rows of numbers, one for each {name}; got {rows.dtype} of {rows.shape}.")
    if int(rows.min()) < -1 or int(rows.max()) >= MOST_ITEMS or bool((rows.max(axis=1) < 0).any()):
        raise ValueError(f"A feature is a number below {MOST_ITEMS:,}, or -1 for none; each {name} has one at least.")
    return np.array(rows, np.int64, order="C")  # our own, which may be written to: kernels are compiled for those


def one_of(which: ArrayLike, many: int) -> Ints:
    """Numbers below `many` as int64, flat; raises `ValueError` for others."""
    import numpy as np

    given = plain_array(which, "Users and items")
    if given.size and (given.ndim != 1 or given.dtype.kind not in "iu" or given.min() < 0 or given.max() >= many):
        raise ValueError(f"Users and items are asked for by a flat array of numbers from 0 to {many - 1}.")
    return np.ascontiguousarray(given, np.int64).reshape(-1)


def first(scores: Floats, k: int, seen: Histories | None, who: Ints) -> Ints:
    """The `k` best of each row of scores, of which those become -inf that the users `who` have seen."""
    import numpy as np

    from windtunnel.blocks.recommend.kernels.towers import best

    found = np.empty((len(scores), whole(k, "k", 1, MOST_ITEMS)), np.int64)
    nothing = Histories(np.zeros(len(scores) + 1, np.int64), np.empty(0, np.int64))
    own = nothing if seen is None else seen.some(who)
    best(scores, own.starts, own.items, found)
    return found
