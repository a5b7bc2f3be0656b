"""Popularity, cosines, EASE and inner products through a graph, each against what NumPy says of all of it."""

from __future__ import annotations

import numpy as np
import pytest

from windtunnel.blocks.recommend import Ease, Histories, InnerProducts, ItemCosine, Popularity

LUCK = np.random.default_rng(3)
TAKEN = LUCK.random((40, 15)) < np.linspace(0.5, 0.05, 15)
PAIRS = np.stack(TAKEN.nonzero(), axis=1)
X = TAKEN.astype(float)


def test_popularity_counts() -> None:
    made = Popularity(40, 15)
    made.fit(np.concatenate([PAIRS, PAIRS[:9]]))  # the same pair again is no second user
    assert made.scores([3])[0].tolist() == X.sum(axis=0).tolist()


@pytest.mark.parametrize("shrink", [0.0, 5.0])
def test_cosines_are_those_of_columns(shrink: float) -> None:
    made = ItemCosine(40, 15, shrink=shrink)
    made.fit(PAIRS)
    lengths = np.sqrt((X**2).sum(axis=0))
    weights = X.T @ X / (np.outer(lengths, lengths) + shrink)
    np.fill_diagonal(weights, 0)
    np.testing.assert_allclose(made.weights, weights, rtol=1e-12)
    np.testing.assert_allclose(made.scores(np.arange(40)), X @ weights, rtol=1e-12)


def test_ease_is_the_ridge_regression_of_each_item_on_the_others() -> None:
    made = Ease(40, 15, ridge=7.0)
    made.fit(PAIRS)
    for item in range(15):
        others = np.delete(np.arange(15), item)
        square = X[:, others].T @ X[:, others] + 7 * np.eye(14)
        np.testing.assert_allclose(made.weights[others, item], np.linalg.solve(square, X[:, others].T @ X[:, item]))
        assert made.weights[item, item] == 0


def test_a_user_is_told_what_it_has_not_taken() -> None:
    made, seen = Ease(40, 15), Histories.of(PAIRS, 40, 15)
    made.fit(PAIRS)
    told = made.recommend(np.arange(40), 15, seen=seen)
    for user in range(40):
        assert set(told[user].tolist()) - {-1} == set(np.flatnonzero(~TAKEN[user]).tolist())


def test_histories_of_some_are_theirs() -> None:
    some = Histories.of(PAIRS, 40, 15).some(np.array([7, 2, 7]))
    rows = [some.items[a:b].tolist() for a, b in zip(some.starts, some.starts[1:], strict=False)]
    assert rows == [np.flatnonzero(TAKEN[user]).tolist() for user in (7, 2, 7)]


def test_the_greatest_inner_products_are_found_and_told() -> None:
    items, users = LUCK.normal(size=(500, 8)) * LUCK.random((500, 1)) * 4, LUCK.normal(size=(30, 8))
    longest = float(np.sqrt((items**2).sum(axis=1)).max())
    made = InnerProducts(8, longest)
    made.add(items)
    found, products = made.search(users, 5, ef=100)
    true = np.argsort(-(users @ items.T), axis=1)[:, :5]
    assert np.mean([len(set(a) & set(b)) for a, b in zip(found.tolist(), true.tolist(), strict=True)]) > 4.8
    np.testing.assert_allclose(products, np.take_along_axis(users @ items.T, found, 1), atol=1e-3)
    assert 0 < made.products_measured < 500 * 500


def test_an_item_that_is_too_long_and_rows_that_are_none_are_refused() -> None:
    made = InnerProducts(2, 1.0)
    with pytest.raises(ValueError, match="longer than 1"):
        made.add([[1.0, 1.0]])
    with pytest.raises(ValueError, match="shape"):
        made.search([[1.0]])
    with pytest.raises(ValueError, match="ridge"):
        Ease(3, 3, ridge=0)
