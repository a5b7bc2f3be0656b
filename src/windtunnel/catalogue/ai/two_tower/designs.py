"""Ways to say what somebody may take next. All are told the same pairs, and may tune with the same later ones."""

from __future__ import annotations

from math import log as logarithm
from typing import Any, Protocol

from windtunnel import Stage
from windtunnel.blocks.recommend import Ease, InnerProducts, ItemCosine, Popularity, TwoTowers, first
from windtunnel.catalogue.ai.two_tower.tuning import Log, best, tuned
from windtunnel.catalogue.ai.two_tower.world import Array
from windtunnel.portable import each, exp

SHRINKS = (0.0, 1.0, 3.0, 10.0, 30.0)
RIDGES = (10.0, 30.0, 100.0, 300.0, 1000.0)
BACK = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25)
"""Of the logarithm of how popular an item is, so much is added back."""
CANDIDATES = 3
"""Times as many as are wanted are ranked."""
STEPS, RATE = 60, 0.3
"""Of the ranker."""
WIDE = 100
"""Candidates that the graph keeps when an item is inserted."""


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def ef(self) -> int: ...
    @property
    def m(self) -> int: ...


class MostTaken:
    """Tell everybody what most have taken."""

    model: Any
    sums = 0
    """Numbers added up so far to answer: of an inner product as many as a vector has."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.p = p

    def fit(self, log: Log) -> None:
        """Learn from what happened."""
        self.log = log
        self.model = Popularity(log.users, log.items)
        self.model.fit(log.train)

    def recommend(self, users: Array, k: int) -> Array:
        """Of each user the `k` items, best first, that it may take next and has not taken, (users, k)."""
        told: Array = self.model.recommend(users, k, seen=self.log.seen)
        return told

    def kept(self) -> int:
        """Numbers that are kept to answer."""
        return int(self.log.items)


class AsTheirItems(MostTaken):
    """Tell items that were taken by those who took what a user took: cosines between items."""

    made: Any = ItemCosine
    settings: tuple[dict[str, float], ...] = tuple({"shrink": shrink} for shrink in SHRINKS)

    def fit(self, log: Log) -> None:
        self.log = log
        models = [self.made(log.users, log.items, **setting) for setting in self.settings]
        for model in models:
            model.fit(log.train)
        self.model = best(log, models, lambda model: model.recommend(log.everybody(), log.k, seen=log.trained))

    def recommend(self, users: Array, k: int) -> Array:
        own = self.log.trained.some(users)
        self.sums += len(own.items) * self.log.items
        return super().recommend(users, k)

    def kept(self) -> int:
        return int(self.log.items**2)


class InClosedForm(AsTheirItems):
    """EASE: weights between items by which histories tell themselves best, from one inverse."""

    made = Ease
    settings = tuple({"ridge": ridge} for ridge in RIDGES)


class InBatch(MostTaken):
    """Two towers by a softmax over the items of each batch, as they come."""

    corrected, mixed = False, False
    model: TwoTowers

    def fit(self, log: Log) -> None:
        self.log = log
        self.model, self.choice = tuned(log, self.corrected, self.mixed)

    def recommend(self, users: Array, k: int) -> Array:
        self.sums += len(users) * self.log.items * self.log.dim
        return super().recommend(users, k)

    def kept(self) -> int:
        return int((self.log.users + self.log.items) * self.log.dim)


class LogQ(InBatch):
    """Two towers, and logQ taken from the logits while training, of frequencies that follow the stream."""

    corrected = True


class Mixed(LogQ):
    """logQ, and items drawn evenly as negatives besides those of the batch."""

    mixed = True


class AddedBack(InBatch):
    """Two towers of batches as they come, and when it answers the logarithm of how popular an item is, weighed."""

    def fit(self, log: Log) -> None:
        super().fit(log)
        self.popular = logarithms(log)
        who = log.everybody()
        scores = self.model.scores(who)
        self.back = best(log, BACK, lambda back: first(scores + back * self.popular, log.k, log.trained, who))

    def recommend(self, users: Array, k: int) -> Array:
        self.sums += len(users) * self.log.items * (self.log.dim + 1)
        return first(self.model.scores(users) + self.back * self.popular, k, self.log.seen, users)

    def kept(self) -> int:
        return super().kept() + int(self.log.items)


class ThroughGraph(AddedBack):
    """The same, popularity as one number more of a vector, and the greatest inner products found along HNSW's links."""

    def fit(self, log: Log) -> None:
        import numpy as np

        super().fit(log)
        items = np.concatenate([self.model.item_vectors() / self.model.temperature, self.popular[:, None]], axis=1)
        longest = float(np.sqrt(np.einsum("ij,ij->i", items, items).max()))
        self.index = InnerProducts(log.dim + 1, longest, m=self.p.m, ef_construction=WIDE, seed=log.seed)
        self.index.add(items)

    def recommend(self, users: Array, k: int) -> Array:
        """What a user took is found as well and left out: so many more are asked for."""
        import numpy as np

        own = self.log.seen.some(users)
        wanted = min(k + int((own.starts[1:] - own.starts[:-1]).max(initial=0)), self.log.items)
        asked = np.concatenate([self.model.user_vectors(users), np.full((len(users), 1), self.back)], axis=1)
        before = self.index.products_measured
        found = self.index.search(asked, wanted, ef=max(self.p.ef, wanted))[0]
        self.sums += (self.index.products_measured - before) * (self.log.dim + 2)
        rows = np.repeat(np.arange(len(users)), own.starts[1:] - own.starts[:-1])
        seen = np.isin(np.arange(len(users))[:, None] * self.log.items + found, rows * self.log.items + own.items)
        order = np.argsort(seen | (found < 0), axis=1, kind="stable")[:, :k]
        return np.take_along_axis(np.where(seen, -1, found), order, 1)


def logarithms(log: Log) -> Array:
    """Of how often each item was taken, and once more."""
    import numpy as np

    return each(logarithm, np.bincount(log.train[:, 1], minlength=log.items) + 1.0)


class TwoStages(LogQ):
    """Two stages: logQ's towers tell candidates, and a ranker that knows more of each orders them."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.near = AsTheirItems(stage, p)

    def fit(self, log: Log) -> None:
        import numpy as np

        super().fit(log)
        self.near.fit(log)
        self.popular = logarithms(log)
        self.weights = np.array([1.0, 0.0, 0.0])
        who = log.everybody()
        told = self.model.recommend(who, CANDIDATES * log.k, seen=log.trained)
        facts = self.facts(who, told)
        self.middle, self.wide = facts.mean(axis=(0, 1)), facts.std(axis=(0, 1)) + 1e-9
        facts = (facts - self.middle) / self.wide
        here = np.zeros((log.users, log.items), bool)
        here[log.check[:, 0], log.check[:, 1]] = True
        taken = here[who[:, None], told] & (told >= 0)
        squares = np.full(3, 1e-9)
        for _ in range(STEPS):
            logits = np.where(told >= 0, np.einsum("ucf,f->uc", facts, self.weights), -np.inf)
            chance = exp(logits - logits.max(axis=1, keepdims=True))
            chance /= chance.sum(axis=1, keepdims=True)
            step = np.einsum("uc,ucf->f", chance * taken.sum(axis=1, keepdims=True) - taken, facts)
            squares += step * step
            self.weights -= RATE * step / np.sqrt(squares)

    def facts(self, users: Array, told: Array) -> Array:
        """Of each candidate what the towers say, how popular it is, and how near to what the user took, (n, c, 3)."""
        import numpy as np

        asked, offered = self.model.user_vectors(users), self.model.item_vectors()
        own = self.log.trained.some(users).items.reshape(len(users), -1)
        near = np.zeros(told.shape)
        for at in range(own.shape[1]):
            near += self.near.model.weights[own[:, at, None], told]
        return np.stack([np.einsum("ud,ucd->uc", asked, offered[told]), self.popular[told], near], axis=2)

    def recommend(self, users: Array, k: int) -> Array:
        import numpy as np

        told = self.model.recommend(users, CANDIDATES * k, seen=self.log.seen)
        score = np.einsum("ucf,f->uc", (self.facts(users, told) - self.middle) / self.wide, self.weights)
        score[told < 0] = -np.inf
        self.sums += len(users) * self.log.items * self.log.dim
        self.sums += told.shape[1] * (len(users) * self.log.dim + len(self.log.trained.some(users).items))
        order = np.argsort(-score, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(told, order, 1)

    def kept(self) -> int:
        return super().kept() + int(self.log.items**2)
