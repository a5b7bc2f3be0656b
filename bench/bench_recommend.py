"""Recommending: the greatest inner products among 50,000 items through a graph beside NumPy, and a training.

Items and users are those of the experiment's law: sixteen numbers of taste and one of popularity, so that the popular
are longer. A user is served alone, as when somebody opens a page, or with others. The graph keeps the fewest candidates
with which .98 of the true fifty are found. All on one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from bench.harness import Row, Timed

ITEMS, USERS, LATENT, TOLD, RECALL = 50_000, 1_000, 16, 50, 0.98
SINGLES = 200
PAIRS, FEW_USERS, FEW_ITEMS, DIM, BATCH = 20_000, 2_000, 1_000, 16, 64


@cache
def vectors() -> tuple[np.ndarray, np.ndarray]:
    """Items (ITEMS, LATENT + 1) and users (USERS, LATENT + 1), float32."""
    luck = np.random.default_rng(1)
    popular = np.log(luck.permutation(1 / (np.arange(ITEMS) + 2.0)))
    items = np.concatenate([2 * luck.normal(size=(ITEMS, LATENT)) / LATENT**0.5, popular[:, None]], axis=1)
    users = np.concatenate([luck.normal(size=(USERS, LATENT)), np.ones((USERS, 1))], axis=1)
    items[:, -1] -= items[:, -1].mean()
    return items.astype(np.float32), users.astype(np.float32)


def by_all(users: np.ndarray) -> np.ndarray:
    """All inner products by one matrix product, and the best of them."""
    items = vectors()[0]
    scores = users @ items.T
    best = np.argpartition(-scores, TOLD, axis=1)[:, :TOLD]
    return np.take_along_axis(best, np.argsort(-np.take_along_axis(scores, best, 1), axis=1), 1)


@cache
def truth() -> np.ndarray:
    return np.concatenate([by_all(vectors()[1][at : at + 100]) for at in range(0, USERS, 100)])


@cache
def index() -> Any:
    from windtunnel.blocks.recommend import InnerProducts

    items = vectors()[0]
    made = InnerProducts(LATENT + 1, float(np.sqrt((items.astype(float) ** 2).sum(axis=1)).max()) * 1.000001)
    made.add(items)
    return made


def recall(found: np.ndarray) -> float:
    return float(np.mean([len(set(a) & set(b)) / TOLD for a, b in zip(found.tolist(), truth().tolist(), strict=True)]))


@cache
def fewest() -> tuple[int, float]:
    """Candidates to keep, and what is found with them."""
    for ef in range(TOLD, 1000, 10):
        found = recall(index().search(vectors()[1], TOLD, ef=ef)[0])
        if found >= RECALL:
            return ef, found
    raise AssertionError("The graph does not find so much.")


def through_graph(users: np.ndarray) -> np.ndarray:
    found: np.ndarray = index().search(users, TOLD, ef=fewest()[0])[0]
    return found


def alone(answer: Callable[[np.ndarray], object]) -> Timed:
    asked = [vectors()[1][at : at + 1] for at in range(SINGLES)]
    answer(asked[0])

    def timed() -> int:
        for one in asked:
            answer(one)
        return SINGLES

    return timed


def together(answer: Callable[[np.ndarray], object]) -> Timed:
    asked = vectors()[1][:100]
    answer(asked)

    def timed() -> int:
        answer(asked)
        return len(asked)

    return timed


def training() -> Timed:
    from windtunnel.blocks.recommend import TwoTowers

    luck = np.random.default_rng(2)
    pairs = np.stack([luck.integers(0, FEW_USERS, PAIRS), luck.integers(0, FEW_ITEMS, PAIRS)], axis=1)
    made = TwoTowers(FEW_USERS, FEW_ITEMS, DIM)
    made.train(pairs, batch=BATCH)

    def timed() -> int:
        made.train(pairs, batch=BATCH)
        return PAIRS

    return timed


def in_numpy() -> Timed:
    """The same gradients by matrix products, without what moves the vectors."""
    luck = np.random.default_rng(2)
    users, items = luck.normal(size=(BATCH, DIM)), luck.normal(size=(BATCH, DIM))
    own = np.arange(BATCH)

    def timed() -> int:
        for _ in range(PAIRS // BATCH):
            logits = users @ items.T / 0.5
            chances = np.exp(logits - logits.max(axis=1, keepdims=True))
            chances /= chances.sum(axis=1, keepdims=True)
            chances[own, own] -= 1
            _ = chances @ items, chances.T @ users
        return PAIRS

    return timed


def rows() -> Iterator[Row]:
    ef, found = fewest()
    yield Row(
        f"the {TOLD} greatest inner products of {ITEMS:,} x {LATENT + 1}, a user at a time",
        {"ours": lambda: alone(through_graph), "NumPy, all of them": lambda: alone(by_all)},
        unit="users/s",
        bar=20,
        note=f"ef {ef}, recall {found:.4f}",
    )
    yield Row(
        f"the same, {100} users at once",
        {"ours": lambda: together(through_graph), "NumPy, all of them": lambda: together(by_all)},
        unit="users/s",
        note=f"ef {ef}, recall {found:.4f}",
    )
    yield Row(
        f"training of two towers, batches of {BATCH}, {DIM} numbers",
        {"ours": training, "NumPy, the gradients alone": in_numpy},
        unit="pairs/s",
        note="NumPy's matrix products sum in an order of their own; ours moves the vectors too",
    )
