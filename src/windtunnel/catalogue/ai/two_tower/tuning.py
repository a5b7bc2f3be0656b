"""What a design is told, and how the settings of a model are chosen by what it finds of pairs kept apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple, TypeVar

from windtunnel.blocks.recommend import Histories, TwoTowers
from windtunnel.catalogue.ai.two_tower.world import Array

TEMPERATURES = (0.3, 0.7, 1.5)
BATCHES = (16, 48)
MIXED = (16, 32)
"""Negatives: the others of a batch, or items drawn evenly besides those of the smaller batch."""
ModelT = TypeVar("ModelT")


class Log:
    """What happened, as far as a design is told.

    Attributes:
        users, items: how many there are; they go by their numbers.
        train: (n, 2), pairs of a user and an item to learn from; check: (m, 2), later ones, to tune with.
        k: items that will be asked for; dim, epochs: of models that learn vectors; seed: of a design's own luck.
    """

    def __init__(self, users: int, items: int, train: Array, check: Array, k: int, dim: int, epochs: int, seed: int):
        self.users, self.items = users, items
        self.train, self.check = train, check
        self.k, self.dim, self.epochs, self.seed = k, dim, epochs, seed

    @cached_property
    def trained(self) -> Histories:
        """What each user took of what is to learn from."""
        return Histories.of(self.train, self.users, self.items)

    @cached_property
    def seen(self) -> Histories:
        """What each user took of both: it is not told again."""
        import numpy as np

        return Histories.of(np.concatenate([self.train, self.check]), self.users, self.items)

    def finds(self, told: Array) -> float:
        """The share of the later pairs among what users are told, (users, k), -1 for none."""
        return found(told, self.check, self.items) / len(self.check)

    def everybody(self) -> Array:
        """All users."""
        import numpy as np

        return np.arange(self.users)


def found(told: Array, pairs: Array, items: int) -> int:
    """How many of these pairs are among what each user is told, (users, k), -1 for none."""
    import numpy as np

    rows = np.broadcast_to(np.arange(len(told))[:, None], told.shape)[told >= 0]
    return int(np.isin(pairs[:, 0] * items + pairs[:, 1], rows * items + told[told >= 0]).sum())


def best(log: Log, models: Sequence[ModelT], told: Callable[[ModelT], Array]) -> ModelT:
    """The first of those that find most of the pairs that are kept apart."""
    return max(models, key=lambda model: log.finds(told(model)))


class Choice(NamedTuple):
    """Settings of two towers."""

    temperature: float
    batch: int
    negatives: int
    corrected: bool


def choices(corrected: bool, mixed: bool) -> list[Choice]:
    """Temperatures, and how many negatives: as many choices for each way."""
    some = [(BATCHES[0], negatives) for negatives in MIXED] if mixed else [(batch, 0) for batch in BATCHES]
    return [Choice(t, batch, negatives, corrected) for batch, negatives in some for t in TEMPERATURES]


Told = Callable[[TwoTowers], Array]
TUNED_EPOCHS, LEFT = 3, 2
"""After so many times through the pairs so many of the choices are left, and they go on."""


def tuned(log: Log, corrected: bool, mixed: bool = False) -> tuple[TwoTowers, Choice]:
    """Two towers of the choice that finds most, each trained so often that nobody has gone through more pairs."""
    return _tuned(log.users, log.items, log.train.tobytes(), log.check.tobytes(), log.k, log.dim, log.epochs, log.seed,
                  corrected, mixed)  # fmt: skip


@lru_cache(maxsize=8)
def _tuned(
    users: int, items: int, train: bytes, check: bytes, k: int, dim: int, epochs: int, seed: int,
    corrected: bool, mixed: bool,
) -> tuple[TwoTowers, Choice]:  # fmt: skip
    """The same towers are asked for by several designs of one world: they are trained once in a process."""
    import numpy as np

    learned, kept_apart = (np.frombuffer(one, np.int64).reshape(-1, 2) for one in (train, check))
    log = Log(users, items, learned, kept_apart, k, dim, epochs, seed)
    who = log.everybody()
    left: list[tuple[float, TwoTowers, Choice]] = []
    for choice in choices(corrected, mixed):
        model = TwoTowers(users, items, dim, temperature=choice.temperature, negatives=choice.negatives,
                          corrected=corrected, seed=seed)  # fmt: skip
        left.append((0.0, model, choice))
    for many, kept in ((min(TUNED_EPOCHS, epochs), LEFT), (epochs - min(TUNED_EPOCHS, epochs), 1)):
        asked = []
        for _, model, choice in left:
            model.train(log.train, epochs=many, batch=choice.batch)
            asked.append((log.finds(model.recommend(who, k, seen=log.trained)), model, choice))
        left = sorted(asked, key=lambda one: -one[0])[:kept]
    return left[0][1:]
