"""Product quantisation against its plain Python, and against faiss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from helpers.examples import examples
from windtunnel.blocks.vectors.brute_force import BruteForce
from windtunnel.blocks.vectors.product_quantisation import ProductQuantiser

Vectors = NDArray[np.float32]


def manifold(n: int, seed: int, dim: int = 32, latent: int = 8) -> Vectors:
    """Points near a curved sheet, as embeddings lie."""
    random = np.random.default_rng(seed)
    sheet = np.random.default_rng(99).normal(size=(latent, dim))
    points = np.tanh(random.normal(size=(n, latent)) @ sheet / 2) + 0.05 * random.normal(size=(n, dim))
    return points.astype(np.float32)


@pytest.fixture(scope="module")
def trained() -> ProductQuantiser:
    made = ProductQuantiser(32, 8)
    made.train(manifold(2000, 1))
    return made


def error(made: ProductQuantiser, vectors: Vectors) -> float:
    """The mean squared distance of vectors from what their codes stand for."""
    return float(((vectors - made.decode(made.encode(vectors))) ** 2).sum(axis=1).mean())


@settings(max_examples=examples(10), deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(0, 30), k=st.integers(1, 40))
def test_codes_and_distances_are_those_of_the_plain_python(
    trained: ProductQuantiser, seed: int, n: int, k: int
) -> None:
    vectors, query = manifold(max(n, 1), seed)[:n], manifold(1, seed + 1)
    codes = trained.encode(vectors)
    assert codes.tolist() == [trained.plain_encode(vector) for vector in vectors.tolist()]
    found, distances = trained.search(codes, query, k)
    expected = trained.plain_search(codes.tolist(), query[0].tolist(), k)
    assert found[0, : len(expected)].tolist() == [row for _, row in expected]
    assert distances[0, : len(expected)].tolist() == pytest.approx([far for far, _ in expected], rel=1e-4, abs=1e-4)
    assert (found[0, n:] == -1).all()
    assert np.isinf(distances[0, n:]).all()


def test_distances_are_those_from_the_decoded_vectors(trained: ProductQuantiser) -> None:
    codes, queries = trained.encode(manifold(500, 2)), manifold(300, 3)
    exact = BruteForce(32)
    exact.add(trained.decode(codes))
    assert np.allclose(trained.search(codes, queries, 7)[1], exact.search(queries, 7)[1], rtol=1e-4, atol=1e-4)


def test_of_equal_codes_the_first_are_found(trained: ProductQuantiser) -> None:
    codes = np.repeat(trained.encode(manifold(1, 2)), 9, axis=0)
    assert trained.search(codes, manifold(1, 3), 4)[0].tolist() == [[0, 1, 2, 3]]


FAISS_ERRORS = {4: 2.090, 8: 0.6544, 16: 0.0551}
"""Of faiss 1.15.1 on the vectors of the test below, by parts, the mean of five seeds; kept here for where it cannot be
had."""


@pytest.mark.parametrize("parts", FAISS_ERRORS)
def test_the_error_is_that_of_faiss(parts: int) -> None:
    sample, others = manifold(2000, 1), manifold(2000, 2)
    made = ProductQuantiser(32, parts)
    made.train(sample)
    ours = error(made, others)
    assert ours == pytest.approx(FAISS_ERRORS[parts], rel=0.03)
    faiss = pytest.importorskip("faiss", reason="the error that it once had is equal, it is not here to repeat")
    peer = faiss.ProductQuantizer(32, parts, 8)
    peer.train(sample)
    theirs = float(((others - peer.decode(peer.compute_codes(others))) ** 2).sum(axis=1).mean())
    assert ours == pytest.approx(theirs, rel=0.03)


def test_the_true_nearest_are_among_ten_times_as_many(trained: ProductQuantiser) -> None:
    vectors, queries = manifold(3000, 1), manifold(100, 3)
    exact = BruteForce(32)
    exact.add(vectors)
    truth = exact.search(queries, 10)[0]
    found = trained.search(trained.encode(vectors), queries, 100)[0]
    hits = [len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), truth.tolist(), strict=True)]
    assert np.mean(hits) > 0.95


def test_vectors_that_are_few_and_equal_are_coded_without_error() -> None:
    few = manifold(5, 1)
    made = ProductQuantiser(32, 4)
    made.train(np.repeat(few, 60, axis=0))
    assert error(made, few) == pytest.approx(0, abs=1e-8)


def test_a_saved_quantiser_codes_as_the_one_it_was_saved_from(trained: ProductQuantiser) -> None:
    again = ProductQuantiser.from_bytes(trained.to_bytes())
    vectors = manifold(100, 2)
    assert (again.encode(vectors) == trained.encode(vectors)).all()
    again.train(manifold(2000, 1))
    assert again.to_bytes() == trained.to_bytes()


def test_bad_input_is_refused_with_a_sentence(trained: ProductQuantiser) -> None:
    with pytest.raises(ValueError, match="parts must divide"):
        ProductQuantiser(32, 5)
    with pytest.raises(ValueError, match="train it first"):
        ProductQuantiser(32, 4).encode(manifold(1, 1))
    with pytest.raises(ValueError, match="256 centroids need"):
        ProductQuantiser(32, 4).train(manifold(255, 1))
    with pytest.raises(ValueError, match=r"uint8 of shape \(n, 8\)"):
        trained.decode([[1] * 8])
    with pytest.raises(ValueError, match="k is at least 1"):
        trained.search(trained.encode(manifold(1, 1)), manifold(1, 1), 0)
