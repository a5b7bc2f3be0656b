"""Brute force against SciPy's distances and NumPy's sort."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.spatial.distance import cdist

from windtunnel.blocks.vectors.brute_force import BruteForce


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 40),
    dim=st.integers(1, 40),
    k=st.integers(1, 50),
    seed=st.integers(0, 2**32 - 1),
    metric=st.sampled_from(["l2", "ip", "cosine"]),
)
def test_distances_are_those_of_scipy_in_order(n: int, dim: int, k: int, seed: int, metric: str) -> None:
    random = np.random.default_rng(seed)
    vectors, queries = random.normal(size=(n, dim)), random.normal(size=(11, dim))
    index = BruteForce(dim, metric)
    index.add(vectors, np.arange(n) * 2)
    keys, distances = index.search(queries, k)
    if metric == "ip":
        exact = 1 - queries @ vectors.T
    else:
        exact = cdist(queries, vectors, {"l2": "sqeuclidean", "cosine": "cosine"}[metric])
    found = min(n, k)
    assert np.allclose(distances[:, :found], np.sort(exact)[:, :found], rtol=1e-4, atol=1e-4)
    assert np.allclose(np.take_along_axis(exact, keys[:, :found] // 2, 1), distances[:, :found], rtol=1e-4, atol=1e-4)
    assert (keys[:, found:] == -1).all()
    assert np.isinf(distances[:, found:]).all()


def test_of_equal_vectors_the_first_added_is_nearest() -> None:
    index = BruteForce(2)
    index.add([[1, 1]] * 5, [9, 3, 7, 1, 5])
    assert [key for key, _ in index.nearest([1, 1], 3)] == [9, 3, 7]


def test_only_allowed_keys_are_found() -> None:
    index = BruteForce(1)
    index.add(np.arange(10)[:, None])
    assert index.search([[0.2]], 3, allowed=[4, 8, 12])[0].tolist() == [[4, 8, -1]]


def test_a_key_in_use_is_refused() -> None:
    index = BruteForce(1)
    index.add([[1]], [4])
    with pytest.raises(ValueError, match="already in use"):
        index.add([[2]], [4])
    assert len(index) == 1
