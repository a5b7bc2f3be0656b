"""Vectors that come many times, lie far away, are very long or very short, or are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from windtunnel.blocks.vectors import HNSW, BruteForce, ProductQuantiser


def recall(data: Any, queries: Any, deleted: Any = ()) -> float:
    made, exact = HNSW(data.shape[1]), BruteForce(data.shape[1])
    for one in (made, exact):
        one.add(data)
        if len(deleted):
            one.delete(deleted)
    _, far = made.search(queries, 10)
    _, truth = exact.search(queries, 10)
    return float((far <= truth[:, -1:] * (1 + 1e-6)).mean())


@pytest.mark.parametrize("noise", [0.0, 1e-6])
def test_many_copies_of_one_vector_hide_no_others(noise: float) -> None:
    luck = np.random.default_rng(0)
    base, queries = luck.normal(size=(1200, 16)), luck.normal(size=(100, 16))
    copies = np.tile(base[:1], (500, 1)) + luck.normal(0, noise, (500, 16))
    order = luck.permutation(1700)
    both = np.concatenate([copies, base])[order]
    alone = recall(base, queries)
    assert recall(both, queries) > alone - 0.05
    gone = np.flatnonzero(order < 500)[: 3 * 100]
    assert recall(both, queries, gone) > alone - 0.05


@given(
    rows=st.lists(st.tuples(*[st.integers(0, 2)] * 2), min_size=1, max_size=40),
    gone=st.sets(st.integers(0, 39), max_size=30),
    allowed=st.none() | st.sets(st.integers(0, 45)),
    again=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_an_index_with_few_vectors_finds_what_exact_search_finds(
    rows: list[tuple[int, int]], gone: set[int], allowed: set[int] | None, again: bool
) -> None:
    made, exact = HNSW(2, m=4, ef_construction=20), BruteForce(2)
    gone = {key for key in gone if key < len(rows)}
    for one in (made, exact):
        one.add(rows)
        one.delete(sorted(gone))
        if again and gone:
            one.add([rows[key] for key in sorted(gone)], sorted(gone))
    made = HNSW.from_bytes(bytearray(made.to_bytes())) if again else made
    wanted = None if allowed is None else sorted(allowed)
    keys, far = made.search([[0.3, 0.9]], 40, allowed=wanted)
    right, right_far = exact.search([[0.3, 0.9]], 40, allowed=wanted)
    assert set(keys[0].tolist()) == set(right[0].tolist())
    assert far[0].tolist() == pytest.approx(right_far[0].tolist())
    assert len(made) == len(exact)
    assert all((key in made) == (key in exact) for key in range(len(rows)))
    assert (
        made.nearest((0.3, 0.9), 10**18)[:1] == [(int(keys[0, 0]), float(far[0, 0]))]
        or allowed is not None
        or not len(made)
    )


def test_keys_that_share_a_vector_go_one_by_one() -> None:
    made = HNSW(2)
    made.add([[1, 1]] * 3 + [[5, 5]], [10, 20, 30, 40])
    for key, left in ((20, {10, 30}), (10, {30}), (30, set())):
        made.delete([key])
        assert {found for found, far in made.nearest([1, 1], 3) if far == 0} == left
        assert HNSW.from_bytes(made.to_bytes()).nearest([1, 1], 4) == made.nearest([1, 1], 4)
    made.add([[1, 1], [-0.0, 0.0], [0.0, -0.0]], [50, 60, 70])
    assert made.nearest([1, 1], 1) == [(50, 0.0)]
    assert {found for found, far in made.nearest([0, 0], 2) if far == 0} == {60, 70}
    assert 20 not in made


@pytest.mark.parametrize("kind", [HNSW, BruteForce])
@pytest.mark.parametrize("scale", [1e-300, 1e-44, 1e-20, 1.0, 3e38, 1e300])
def test_a_cosine_knows_no_length(kind: Any, scale: float) -> None:
    made = kind(4, "cosine")
    made.add(np.array([[1.0, 1, 1, 1], [1, -1, 1, -1]]) * (scale if scale > 1e-40 else 1.0))
    query = np.array([1.0, 1, 1, 1]) * scale
    (first, near), (second, far) = made.nearest(query.tolist(), 2)
    assert (first, second) == (0, 1)
    assert (near, far) == pytest.approx((0, 1), abs=1e-5)


@pytest.mark.parametrize("metric", ["l2", "ip"])
@pytest.mark.parametrize("kind", [HNSW, BruteForce])
def test_vectors_whose_distances_are_no_numbers_are_refused(kind: Any, metric: str) -> None:
    made = kind(2, metric)
    made.add([[6e18, 0], [-6e18, 0]])
    assert np.isfinite(made.search([[6e18, 0]], 2)[1]).all()
    for wrong in ([[1e20, 0]], [[3e38, 3e38]], [[1e300, 0]]):
        with pytest.raises(ValueError, match=r"long.*\.$"):
            made.add(wrong)
    assert len(made) == 2


NO_VECTORS: list[Any] = [
    [["1", "2"]],
    [[1, None]],
    [[1j, 2]],
    [[1], [1, 2]],
    [[1, float("nan")]],
    [[1, 2, 3]],
    [1, 2],
    5,
    None,
    np.ma.masked_array([[1, 2]], [[True, False]]),
    pa.array([[1.0], [1.0, 2.0, 3.0]]),
    pa.array([[1.0, 2.0], None]),
    pa.array([[1.0, None]]),
    pa.array([1.0, 2.0]),
    pa.chunked_array([[[1.0]], [[1.0, 2.0, 3.0]]]),
    pa.array([None, [1.0, 2.0]], pa.list_(pa.float32(), 2)),
]


@pytest.mark.parametrize("vectors", NO_VECTORS)
def test_what_are_no_vectors_is_refused_whole(vectors: Any) -> None:
    for made in (HNSW(2), BruteForce(2)):
        made.add([[1, 2]])
        for call in (made.add, made.search):
            with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
                call(vectors)
        assert len(made) == 1


def test_vectors_come_in_any_layout() -> None:
    grid = np.arange(12.0).reshape(4, 3)
    forms = [
        np.asfortranarray(grid),
        grid.repeat(2, axis=1)[:, ::2],
        grid.tolist(),
        iter(grid.tolist()),
        pa.array(grid.tolist()),
        pa.chunked_array([grid[:1].tolist(), grid[1:].tolist()]),
        pa.array(grid.tolist(), pa.list_(pa.float64(), 3))[0:4],
        grid.astype(">f4"),
    ]
    for form in forms:
        made = BruteForce(np.int8(3))  # type: ignore[arg-type]
        made.add(form)
        assert made.nearest(np.float32([3, 4, 5]), 1) == [(1, 0.0)]
        assert BruteForce.from_bytes(memoryview(made.to_bytes())).nearest([3, 4, 5], 1) == [(1, 0.0)]


@pytest.mark.parametrize("number", [0, -1, 1.5, "3", None, 2j, float("nan")])
def test_settings_are_whole_numbers(number: Any) -> None:
    makers = (
        HNSW,
        BruteForce,
        lambda n: HNSW(2, m=n),
        lambda n: HNSW(2, ef_construction=n),
        lambda n: ProductQuantiser(n, 1),
    )
    for make in makers:
        with pytest.raises(ValueError, match=r"\.$"):
            make(number)
    for made in (HNSW(2), BruteForce(2)):
        made.add([[1, 2]])
        with pytest.raises(ValueError, match=r"^k is .*\.$"):
            made.search([[1, 2]], number)
        with pytest.raises(ValueError, match=r"^k is .*\.$"):
            made.nearest([1, 2], number)


@pytest.mark.parametrize("far", [0.0, 1e3, -1e6])
def test_codes_far_from_the_origin_are_those_of_plain_python(far: float) -> None:
    luck = np.random.default_rng(0)
    vectors = (luck.random((600, 8)) * max(1e-2, abs(far) * 1e-5) + far).astype(np.float32)
    vectors[::2, :4] *= -1  # and on both sides of it
    made = ProductQuantiser(8, 2)
    made.train(vectors, rounds=3)
    codes = made.encode(vectors[:40])
    plain = np.array([made.plain_encode(one) for one in vectors[:40].tolist()], np.uint8)
    assert (codes == plain).mean() > 0.97
    assert (
        np.abs(made.decode(codes) - vectors[:40]).mean()
        <= np.abs(made.decode(plain) - vectors[:40]).mean() * 1.01 + 1e-9
    )


@given(
    seed=st.integers(0, 1000),
    crowds=st.lists(st.integers(20, 120), min_size=1, max_size=4),
    left=st.integers(1, 6),
    cuts=st.integers(1, 5),
)
@settings(max_examples=25, deadline=None)
def test_all_that_deletions_leave_can_be_found(seed: int, crowds: list[int], left: int, cuts: int) -> None:
    """Crowds far from each other, and of most of them next to nothing is left: whatever is, a search comes to it."""
    luck = np.random.default_rng(seed)
    points = [luck.normal(9 * number, 0.01, (size, 4)) for number, size in enumerate(crowds)]
    vectors = np.concatenate(points).astype(np.float32)
    index, whole = HNSW(4, m=4, ef_construction=40), len(vectors)
    index.add(vectors)
    gone = luck.permutation(whole)[: max(0, whole - left)]
    for part in np.array_split(gone, cuts):
        index.delete(part)
    kept = sorted(set(range(whole)) - set(gone.tolist()))
    for key in kept:
        assert sorted(found for found, _ in index.nearest(vectors[key], whole)) == kept
