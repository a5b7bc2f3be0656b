"""DDSketch: every quantile within alpha, on every stream, also after a merge and on disk."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from helpers.examples import examples
from windtunnel.blocks.ground.envelope import DamagedError
from windtunnel.blocks.sketches.quantiles import DDSketch

NUMBERS = st.lists(
    st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1e-6) | st.integers(-5, 5).map(float), min_size=1, max_size=60
)
SHARES = (0.0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
ROUNDING = 1e-9


def sketch_of(values: list[float] | np.ndarray, alpha: float = 0.01, max_buckets: int = 2048) -> DDSketch:
    made = DDSketch(alpha, max_buckets)
    made.add_many(values)
    return made


def keeps_its_promise(made: DDSketch, values: list[float] | np.ndarray) -> bool:
    ranked = np.sort(np.asarray(values))
    answers = np.array([made.quantile(q) for q in SHARES])
    truth = np.array([ranked[int(q * (len(ranked) - 1))] for q in SHARES])
    return bool((np.abs(answers - truth) <= made.alpha * np.abs(truth) * (1 + ROUNDING)).all())


@given(NUMBERS, st.sampled_from([0.001, 0.01, 0.05, 0.3]))
@settings(max_examples=examples(50))
def test_every_quantile_is_within_alpha_of_the_true_one(values: list[float], alpha: float) -> None:
    made = sketch_of(values, alpha, 1 << 20)
    assert keeps_its_promise(made, values)
    assert (made.count, made.minimum, made.maximum) == (len(values), min(values), max(values))


@pytest.mark.parametrize("alpha", [0.001, 0.01])
def test_latencies_over_five_decades_are_as_good_at_the_tail_as_at_the_median(alpha: float) -> None:
    values = np.random.default_rng(1).pareto(1.0, 500_000) + 1
    assert keeps_its_promise(sketch_of(values, alpha, 1 << 14), values)


@given(NUMBERS)
@settings(max_examples=examples(40))
def test_a_batch_and_single_values_build_the_same_sketch(values: list[float]) -> None:
    single = DDSketch()
    for value in values:
        single.add(value)
    assert single.to_bytes() == sketch_of(values).to_bytes() == sketch_of(pa.array(values)).to_bytes()  # type: ignore[arg-type]  # a column


@given(left=NUMBERS, right=NUMBERS, max_buckets=st.sampled_from([1, 5, 100, 2048]))
@settings(max_examples=examples(50))
def test_a_merge_is_exactly_the_sketch_of_both_streams_also_where_buckets_ran_out(
    left: list[float], right: list[float], max_buckets: int
) -> None:
    merged = sketch_of(left, 0.05, max_buckets)
    merged.merge(sketch_of(right, 0.05, max_buckets))
    assert merged.to_bytes() == sketch_of(left + right, 0.05, max_buckets).to_bytes()
    assert merged.count == len(left) + len(right)


def test_when_buckets_run_out_only_the_smallest_magnitudes_suffer() -> None:
    values = np.geomspace(1e-9, 1e9, 20_000)
    made = sketch_of(values, 0.01, 500)
    upper = [q for q in np.linspace(0, 1, 101) if values[int(q * 19_999)] > 1e9 * np.exp(-499 * 0.02)]
    assert len(upper) > 20
    for q in upper:
        assert made.quantile(q) == pytest.approx(values[int(q * 19_999)], rel=0.01 * (1 + ROUNDING))


@given(NUMBERS)
@settings(max_examples=examples(30))
def test_a_stored_sketch_comes_back_and_goes_on(values: list[float]) -> None:
    made = sketch_of(values)
    back = DDSketch.from_bytes(made.to_bytes())
    for one in (made, back):
        one.add(3.5)
        one.add_many([-7.0, 0.0])
    assert back.to_bytes() == made.to_bytes()
    assert [back.quantile(q) for q in SHARES] == [made.quantile(q) for q in SHARES]
    with pytest.raises(DamagedError):
        DDSketch.from_bytes(made.to_bytes()[:-1])


def test_extreme_floats_neither_overflow_nor_vanish() -> None:
    values = [5e-324, 1e-300, 1.0, 1.7976931348623157e308]
    made = sketch_of(values, 0.01, 1 << 20)
    assert made.quantile(1) == values[3]
    assert made.quantile(0) == values[0]
    assert made.quantile(0.5) == pytest.approx(1e-300, rel=0.01)


def test_an_empty_sketch_is_stored_but_has_no_quantiles() -> None:
    back = DDSketch.from_bytes(DDSketch().to_bytes())
    back.add_many([])
    assert back.count == 0
    with pytest.raises(ValueError, match="no quantiles"):
        back.quantile(0.5)


def test_what_makes_no_sense_is_refused() -> None:
    made = DDSketch()
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="finite"):
            made.add(bad)
        with pytest.raises(ValueError, match="finite"):
            made.add_many([1.0, bad])
    with pytest.raises(ValueError, match="finite"):
        made.add_many(np.ones((2, 2)))
    with pytest.raises(ValueError, match="0 to 1"):
        made.quantile(1.5)
    with pytest.raises(ValueError, match="relative error"):
        DDSketch(0)
    with pytest.raises(ValueError, match="buckets is at least 1"):
        DDSketch(0.01, 0)
    with pytest.raises(ValueError, match="same alpha"):
        made.merge(DDSketch(0.02))
    assert made.count == 0


def test_quantiles_agree_with_the_sketch_of_datadog() -> None:
    ddsketch = pytest.importorskip("ddsketch")
    values = np.random.default_rng(3).lognormal(3, 2, 20_000)
    theirs = ddsketch.DDSketch(0.01)
    for value in values.tolist():
        theirs.add(value)
    made = sketch_of(values)
    for q in (0.1, 0.5, 0.9, 0.99, 0.999):
        assert made.quantile(q) == pytest.approx(theirs.get_quantile_value(q), rel=0.02)
