"""Count-Min: never too low, too high by more than epsilon only as often as delta allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import ceil, e, log

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from helpers.examples import examples
from windtunnel.blocks.ground.envelope import DamagedError
from windtunnel.blocks.sketches.count_min import CountMin

STREAM = st.lists(st.tuples(st.sampled_from("abcdefghij"), st.integers(0, 5)))
FORMS = pytest.mark.parametrize("conservative", [False, True])


def skewed(size: int = 1_000_000, ids: int = 200_000, exponent: float = 1.1) -> np.ndarray:
    """A Zipf stream over a bounded set of ids."""
    weights = np.arange(1, ids + 1) ** -exponent
    return np.searchsorted(np.cumsum(weights) / weights.sum(), np.random.default_rng(1).random(size)).astype(np.uint64)


def even(size: int = 1_000_000, ids: int = 200_000) -> np.ndarray:
    return np.random.default_rng(2).integers(0, ids, size, dtype=np.uint64)


@FORMS
@pytest.mark.parametrize("stream", [skewed, even])
@pytest.mark.parametrize(("epsilon", "delta"), [(1e-3, 1e-2), (1e-4, 1e-3)])
def test_the_error_stays_inside_epsilon_for_all_but_delta_of_the_keys(
    epsilon: float, delta: float, stream: Callable[[], np.ndarray], conservative: bool
) -> None:
    keys = stream()
    made = CountMin(epsilon, delta, conservative=conservative)
    assert (made.width, made.depth) == (ceil(e / epsilon), ceil(log(1 / delta)))
    made.add_many(keys)
    ids, truth = np.unique(keys, return_counts=True)
    over = made.estimate_many(ids) - truth
    assert over.min() >= 0
    assert (over > epsilon * made.total).mean() <= delta
    assert made.total == keys.size


def test_the_conservative_form_is_closer_on_a_skewed_stream() -> None:
    keys = skewed()
    ids, truth = np.unique(keys, return_counts=True)
    over = {}
    for conservative in (False, True):
        made = CountMin(1e-3, 1e-2, conservative=conservative)
        made.add_many(keys)
        over[conservative] = (made.estimate_many(ids) - truth).mean()
    assert over[True] < 0.7 * over[False]


@FORMS
@given(stream=STREAM)
@settings(max_examples=examples(30))
def test_a_batch_and_single_keys_build_the_same_sketch(conservative: bool, stream: list[tuple[str, int]]) -> None:
    single, batch = (CountMin(0.3, 0.1, conservative=conservative) for _ in range(2))
    for key, count in stream:
        single.add(key, count)
    keys = [key for key, _ in stream]
    batch.add_many(pa.array(keys, pa.string()), np.array([count for _, count in stream], np.int64))
    assert single.to_bytes() == batch.to_bytes()
    assert batch.estimate_many(keys).tolist() == [single.estimate(key) for key in keys]
    truth: Counter[str] = Counter()
    for key, count in stream:
        truth[key] += count
    assert all(single.estimate(key) >= truth[key] for key in truth)


@FORMS
@given(left=STREAM, right=STREAM)
@settings(max_examples=examples(30))
def test_a_merge_never_counts_too_low(
    conservative: bool, left: list[tuple[str, int]], right: list[tuple[str, int]]
) -> None:
    first, second, both = (CountMin(0.3, 0.1, conservative=conservative) for _ in range(3))
    truth: Counter[str] = Counter()
    for sketch, stream in ((first, left), (second, right)):
        for key, count in stream:
            sketch.add(key, count)
            both.add(key, count)
            truth[key] += count
    first.merge(second)
    assert first.total == both.total == truth.total()
    assert all(first.estimate(key) >= truth[key] for key in truth)
    if not conservative:
        assert first.to_bytes() == both.to_bytes()


@FORMS
def test_a_stored_sketch_comes_back_and_goes_on(conservative: bool) -> None:
    made = CountMin(0.01, 0.01, conservative=conservative)
    made.add_many(skewed(10_000))
    back = CountMin.from_bytes(made.to_bytes())
    for one in (made, back):
        one.add("later", 3)
    assert back.to_bytes() == made.to_bytes()
    with pytest.raises(DamagedError):
        CountMin.from_bytes(made.to_bytes()[1:])


def test_what_makes_no_sense_is_refused() -> None:
    made = CountMin()
    with pytest.raises(ValueError, match="Epsilon"):
        CountMin(0, 0.1)
    with pytest.raises(ValueError, match="at least 0"):
        made.add("a", -1)
    with pytest.raises(ValueError, match="at least 0"):
        made.add_many(["a"], np.array([-1]))
    with pytest.raises(ValueError, match="one a key"):
        made.add_many(["a", "b"], np.array([1]))
    with pytest.raises(ValueError, match="one a key"):
        made.add_many(["a"], np.array([1.5]))  # type: ignore[arg-type]  # on purpose
    with pytest.raises(ValueError, match="same epsilon"):
        made.merge(CountMin(conservative=True))
    made.add_many([])
    assert made.total == 0


def test_the_estimates_agree_with_the_sketch_of_apache_datasketches() -> None:
    datasketches = pytest.importorskip("datasketches")
    keys = skewed(50_000, 5_000)
    made, theirs = CountMin(1e-3, 1e-2), datasketches.count_min_sketch(5, 2719)
    made.add_many(keys)
    for key in keys.tolist():
        theirs.update(key)
    for key in range(200):
        assert made.estimate(key) == pytest.approx(theirs.get_estimate(key), abs=2e-3 * made.total)
