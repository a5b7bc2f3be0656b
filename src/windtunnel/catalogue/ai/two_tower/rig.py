"""Tells a design what happened, and judges what it tells users by what they took later, and by the law."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from windtunnel import Stage, process
from windtunnel.blocks.recommend import first
from windtunnel.catalogue.ai.two_tower.tuning import Log, found
from windtunnel.catalogue.ai.two_tower.world import CHECKED, TESTED, Array, World, WorldSetting, pairs_of, world

DECILES = 10
PARTS = 4
"""In so many parts users ask."""


class Setting(WorldSetting, Protocol):
    """What of the parameters matters here."""

    @property
    def k(self) -> int: ...
    @property
    def dim(self) -> int: ...
    @property
    def epochs(self) -> int: ...


class Answer(NamedTuple):
    """What came of the questions of some users.

    Attributes:
        users: who asked.
        found, tested: pairs of later, in what was told and in all, by how popular their items are: tenths of items.
        chance, bound: of each user how likely the next thing it takes was told, and is told at best; summed.
        oracle: pairs of later that are found at best, by who knows the law.
        popular, popular_chance: the same of who tells everybody what most have taken.
        again, twice, foreign: items told that the user has taken, that were told before, that there are not.
        leaked: pairs of later that were told to the design.
    """

    users: int
    found: tuple[int, ...]
    tested: tuple[int, ...]
    chance: float
    bound: float
    oracle: int
    popular: int
    popular_chance: float
    again: int
    twice: int
    foreign: int
    leaked: int


class Weight(NamedTuple):
    """What a design has, and whom it told of.

    Attributes:
        kept: numbers that it keeps to answer; sums: that it added up so far, as it says itself.
        covered: items told to anybody; effective: how many items, told equally often, would meet as often.
    """

    kept: int
    sums: int
    covered: int
    effective: float


class Rig:
    """Serves the requests. The law and what is taken later stay here: a design is handed copies of pairs alone."""

    def __init__(self, design: Any, stage: Stage, p: Setting) -> None:
        import numpy as np

        self.design, self.stage, self.p = design, stage, p
        self.sim = stage.sim
        self.fitted = False
        self.told = np.zeros(p.items, np.int64)

    @process
    async def fit(self, seed: int, own: int) -> int:
        """Tells what happened; returns how many pairs."""
        log = self.log(world(seed, self.p), own)
        pairs = len(log.train)
        self.design.fit(log)
        self.fitted = True
        return pairs

    @process
    async def recommend(self, seed: int, part: int) -> Answer:
        """A part of the users asks."""
        import numpy as np

        here, p = world(seed, self.p), self.p
        users = np.arange(p.users * part // PARTS, p.users * (part + 1) // PARTS)
        if not self.fitted:
            raise TimeoutError("Nobody has told it what happened.")
        told = np.asarray(self.design.recommend(users.copy(), p.k))
        if told.shape != (len(users), p.k) or told.dtype.kind != "i":
            raise TypeError(f"Each user is told {p.k} items; this was {told.dtype} of {told.shape}, not whole numbers.")
        return self.judged(here, users, told)

    @process
    async def weigh(self, seed: int) -> Weight:
        """What it keeps, and whom it has told of so far."""
        share = self.told / max(1, int(self.told.sum()))
        meet = float((share * share).sum())
        return Weight(
            int(self.design.kept()) if self.fitted and hasattr(self.design, "kept") else 0,
            int(getattr(self.design, "sums", 0)),
            int((self.told > 0).sum()),
            1 / meet if meet else 0.0,
        )

    def log(self, here: World, own: int) -> Log:
        """What a design is told."""
        p = self.p
        train, check = here.pairs(0, p.history), here.pairs(p.history, p.history + CHECKED)
        return Log(p.users, p.items, train, check, p.k, p.dim, p.epochs, own)

    def judged(self, here: World, users: Array, told: Array) -> Answer:
        """What these users were told, held against what they took later and against the law."""
        import numpy as np

        p = self.p
        rows = np.arange(len(users))[:, None]
        before, later = here.taken[users, : p.history + CHECKED], here.taken[users, -TESTED:]
        wanted = pairs_of(later)
        new = np.ones((len(users), p.items), bool)
        new[rows, before] = False
        counts = np.bincount(here.taken[:, : p.history].ravel(), minlength=p.items)
        tenth = np.empty(p.items, np.int64)
        tenth[np.argsort(-counts, kind="stable")] = np.arange(p.items) * DECILES // p.items
        law = here.law[users] * new
        law /= law.sum(axis=1, keepdims=True)
        best = first(np.where(new, law, -np.inf), p.k, None, users)
        most = first(np.where(new, counts.astype(np.float64), -np.inf), p.k, None, users)

        who, place = (told != -1).nonzero()
        items = told[who, place]
        known = (items >= 0) & (items < p.items)
        foreign = int((~known).sum())
        pairs = np.unique(who[known] * p.items + items[known])
        twice = int(known.sum()) - len(pairs)
        listed = np.zeros(new.shape, bool)
        listed.ravel()[pairs] = True
        again = int((listed & ~new).sum())
        listed &= new
        self.told += listed.sum(axis=0)
        hit = listed[rows, later]
        return Answer(
            len(users),
            tuple(np.bincount(tenth[later[hit]], minlength=DECILES).tolist()),
            tuple(np.bincount(tenth[later.ravel()], minlength=DECILES).tolist()),
            float((law * listed).sum()),
            float(law[rows, best].sum()),
            found(best, wanted, p.items),
            found(most, wanted, p.items),
            float(law[rows, most].sum()),
            again,
            twice,
            foreign,
            int((~new)[rows, later].sum()),
        )
