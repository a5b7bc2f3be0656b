"""Rankings joined and judged, words compared late, answers made up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from windtunnel.blocks.retrieval import LateInteraction, hypothetical, ndcg, recall, reciprocal_rank_fusion

RANKINGS = st.lists(st.lists(st.integers(0, 20), unique=True, max_size=12), max_size=4)


@given(RANKINGS, st.sampled_from([0.0, 1.0, 60.0]))
def test_fusion_adds_up_what_each_place_is_worth(rankings: list[list[int]], k: float) -> None:
    fused = reciprocal_rank_fusion(rankings, k)
    keys = {key for ranking in rankings for key in ranking}
    assert {key for key, _ in fused} == keys
    for key, score in fused:
        assert score == pytest.approx(sum(1 / (k + r.index(key) + 1) for r in rankings if key in r))
    assert fused == sorted(fused, key=lambda hit: (-hit[1], hit[0]))


@given(st.integers(0, 80))
def test_what_two_have_among_their_first_k_plus_1_goes_before_what_one_has_first(k: int) -> None:
    for place in (k + 1, k + 2, k + 3):
        filler = range(100, 100 + place - 1)
        other = range(1000, 1000 + place - 1)
        fused = [key for key, _ in reciprocal_rank_fusion([[2, *filler, 3][: place + 1], [*other, 3]], k)]
        # Key 2 is first in one ranking; key 3 is at `place + 1` of it and at `place` of the other.
        both = 1 / (k + place + 1) + 1 / (k + place)
        assert (fused.index(3) < fused.index(2)) is (both > 1 / (k + 1))
    same = [*range(100, 100 + k), 3]
    fused = [key for key, _ in reciprocal_rank_fusion([same, [*range(1000, 1000 + k), 3], [7]], k)]
    assert fused.index(3) < fused.index(7)


def test_ranks_alone_count_and_a_key_stands_once() -> None:
    assert reciprocal_rank_fusion([[5, 6], [6]], 60)[0] == (6, 1 / 62 + 1 / 61)
    assert reciprocal_rank_fusion([]) == []
    with pytest.raises(ValueError, match="each key once"):
        reciprocal_rank_fusion([[1, 1]])
    with pytest.raises(ValueError, match="constant"):
        reciprocal_rank_fusion([[1]], -1)


def test_ndcg_is_trec_evals() -> None:
    gains = {"a": 3.0, "b": 2.0, "c": 1.0}
    assert ndcg(["a", "b", "c"], gains) == 1.0
    assert ndcg(["x", "a"], {"a": 1.0}) == pytest.approx(1 / np.log2(3))
    assert ndcg(["c", "b", "a"], gains, 3) == pytest.approx((1 + 2 / np.log2(3) + 3 / 2) / (3 + 2 / np.log2(3) + 1 / 2))
    assert ndcg(["a"], {}) == ndcg([], gains) == recall(["a"], {}) == 0
    assert recall(["a", "x", "b"], gains, 2) == pytest.approx(1 / 3)


@given(
    st.lists(st.lists(st.lists(st.integers(-9, 9), min_size=3, max_size=3), max_size=4), min_size=1, max_size=5),
    st.lists(st.lists(st.integers(-9, 9), min_size=3, max_size=3), max_size=3),
)
def test_late_interaction_is_the_sum_of_the_best_products(
    passages: list[list[list[int]]], query: list[list[int]]
) -> None:
    late = LateInteraction(3)
    late.add(np.array(rows, np.float64).reshape(-1, 3) for rows in passages)
    words = np.array(query, np.float64).reshape(-1, 3)
    weights = [float(1 + at) for at in range(len(query))]

    def score(rows: list[list[int]]) -> float:
        best = [max(sum(a * b for a, b in zip(word, row, strict=True)) for row in rows) for word in query]
        return sum(weight * one for weight, one in zip(weights, best, strict=True))

    expected = [score(rows) if rows else 0.0 for rows in passages]
    assert late.scores(words, range(len(passages)), weights) == expected
    order = sorted(range(len(passages)), key=lambda at: -expected[at])
    assert late.rerank(words, range(len(passages)), weights) == order
    assert late.products == 2 * len(query) * sum(map(len, passages))


def test_what_is_no_text_of_vectors_is_refused() -> None:
    late = LateInteraction(2)
    for wrong in ([1.0, 2.0], [[1.0]], [[np.nan, 1.0]]):
        with pytest.raises(ValueError, match="rows of 2 finite numbers"):
            late.add([wrong])
    late.add([[[1.0, 2.0]]])
    with pytest.raises(ValueError, match="number of a passage"):
        late.scores([[1.0, 1.0]], [1])
    with pytest.raises(ValueError, match="weights"):
        late.scores([[1.0, 1.0]], [0], [1.0, 2.0])


def test_a_made_up_answer_is_added_to_the_query() -> None:
    class Lengths:
        def encode(self, texts: list[str]) -> np.ndarray:
            return np.array([[len(text), 1.0] for text in texts])

    assert hypothetical("abc", Lengths(), lambda query: [query * 2, "x"]).tolist() == [3 + 6 + 1, 3]
    assert hypothetical("abc", Lengths(), lambda query: []).tolist() == [3, 1]
