"""A walk along given links is the search of HNSW's plain text, whatever is hidden and wherever it begins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from windtunnel.blocks.vectors import BruteForce, PlainHNSW, walk_links

N, DIM = 60, 4


def graph(seed: int) -> tuple[Any, Any, Any]:
    """Vectors of whole numbers, links of chance with gaps, and queries."""
    luck = np.random.default_rng(seed)
    links = np.where(luck.random((N, 6)) < 0.3, -1, luck.integers(0, N, (N, 6)))
    return luck.integers(0, 20, (N, DIM)), links, luck.integers(0, 20, (8, DIM))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ef", [1, 5, 40])
def test_it_keeps_what_the_plain_text_keeps(seed: int, ef: int) -> None:
    vectors, links, queries = graph(seed)
    plain = PlainHNSW(3, 6)
    plain.vectors = vectors.tolist()
    plain.links = [[[one for one in row if one >= 0]] for row in links.tolist()]
    found, far, _ = walk_links(vectors, links, queries, np.full((8, 1), 7), ef)
    for row, distances, query in zip(found.tolist(), far.tolist(), queries.tolist(), strict=True):
        expected = plain.search_level(query, (plain.distance(plain.vectors[7], query), 7), 0, ef)
        assert [(a, b) for a, b in zip(distances, row, strict=True) if b >= 0] == expected


def test_it_begins_in_several_places_and_counts_what_it_measures() -> None:
    vectors, _, queries = graph(1)
    nothing = np.full((N, 1), -1)
    starts = np.tile(np.arange(10), (8, 1))
    found, far, measured = walk_links(vectors, nothing, queries, starts, 12)
    exact = BruteForce(DIM)
    exact.add(vectors[:10])
    keys, distances = exact.search(queries, 10)
    assert np.sort(found[:, :10], axis=1).tolist() == np.sort(keys, axis=1).tolist()
    assert far[:, :10].tolist() == distances.tolist()
    assert (found[:, 10:] == -1).all()
    assert measured == 80


def test_the_hidden_lead_on_and_take_no_place() -> None:
    vectors = np.arange(N)[:, None] * np.ones(DIM)
    chain = np.stack([np.arange(N) - 1, np.append(np.arange(1, N), -1)], axis=1)
    hidden = np.arange(N) % 3 > 0
    found = walk_links(vectors, chain, vectors[30:31], [[0]], 5, hidden=hidden)[0]
    assert found.tolist() == [[30, 27, 33, 24, 36]]
    assert walk_links(vectors, chain, vectors[30:31], [[0, 0]], 2, hidden=np.ones(N, bool))[0].tolist() == [[-1, -1]]


@pytest.mark.parametrize(
    ("links", "starts", "hidden", "says"),
    [
        (np.zeros((N - 1, 2), int), [[0]], None, "Links must be whole numbers in 60 rows"),
        (np.full((N, 2), N), [[0]], None, "Links must be below 60"),
        (np.zeros((N, 2)), [[0]], None, "Links must be whole numbers"),
        (np.zeros((N, 2), int), [[-1]], None, "Starts are numbers of vectors"),
        (np.zeros((N, 2), int), [[N]], None, "Starts must be below 60"),
        (np.zeros((N, 2), int), [[0]], [True], "Hidden must say of each of 60 vectors"),
    ],
)
def test_what_does_not_fit_is_refused(links: Any, starts: Any, hidden: Any, says: str) -> None:
    vectors, _, queries = graph(2)
    with pytest.raises(ValueError, match=says):
        walk_links(vectors, links, queries[:1], starts, 3, hidden=hidden)
