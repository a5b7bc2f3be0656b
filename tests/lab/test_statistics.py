"""Statistics against NumPy, SciPy, brute force and closed forms."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given, strategies as st

from windtunnel.lab.history import Event
from windtunnel.lab.statistics import (
    bootstrap_interval,
    enough,
    little,
    mean,
    paired,
    percentile,
    percentiles,
    t_interval,
    t_quantile,
)

samples = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200)


@given(samples, st.floats(0, 100))
def test_percentiles_are_numpys(found: list[float], q: float) -> None:
    assume(enough(len(found), q))
    assert percentile(found, q) == pytest.approx(float(np.percentile(found, q)), rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(("q", "count"), [(50, 2), (90, 10), (99, 100), (99.9, 1000), (1, 100), (100, 1), (0, 1)])
def test_a_percentile_needs_one_sample_beyond_it(q: float, count: int) -> None:
    assert not math.isnan(percentile([1.0] * count, q))
    assert math.isnan(percentile([1.0] * (count - 1), q))


def test_percentiles_of_nothing_are_no_numbers() -> None:
    assert all(map(math.isnan, percentiles([], (50, 99))))


def test_a_percentile_above_100_does_not_exist() -> None:
    with pytest.raises(ValueError, match=r"take a number from 0 to 100\."):
        percentile([1.0], 101)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 9, 10, 29, 100, 999])
@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99, 0.999])
def test_students_t_is_scipys(confidence: float, freedom: int) -> None:
    assert t_quantile(confidence, freedom) == pytest.approx(scipy.stats.t.ppf((1 + confidence) / 2, freedom), rel=1e-9)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30).filter(lambda xs: np.std(xs) > 1e-3))
def test_the_interval_is_scipys(found: list[float]) -> None:
    ours = t_interval(found)
    low, high = scipy.stats.t.interval(0.95, len(found) - 1, np.mean(found), scipy.stats.sem(found))
    assert (ours.low, ours.high) == (pytest.approx(low, rel=1e-6, abs=1e-6), pytest.approx(high, rel=1e-6, abs=1e-6))


def test_one_sample_has_no_interval() -> None:
    assert math.isnan(t_interval([3.0]).low)
    assert math.isnan(bootstrap_interval([3.0]).low)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    random = Random(1)
    hits = sum(
        (found := t_interval([random.gauss(5, 2) for _ in range(6)])).low <= 5 <= found.high for _ in range(2000)
    )
    assert scipy.stats.binomtest(hits, 2000, 0.95).pvalue > 0.001


def test_the_bootstrap_is_scipys() -> None:
    random = Random(2)
    found = [random.expovariate(1) for _ in range(40)]
    theirs = scipy.stats.bootstrap(
        (np.array(found),), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(3)
    ).confidence_interval
    ours = bootstrap_interval(found, resamples=5000)
    assert ours.low == pytest.approx(theirs.low, rel=0.03)
    assert ours.high == pytest.approx(theirs.high, rel=0.03)


def test_pairs_tell_apart_what_intervals_beside_each_other_do_not() -> None:
    random = Random(4)
    luck = [random.gauss(100, 30) for _ in range(8)]
    a, b = [x + 1 + random.gauss(0, 0.1) for x in luck], luck
    assert t_interval(a).low < t_interval(b).high
    assert paired(a, b).low > 0


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 10)), min_size=1, max_size=50))
def test_littles_law_holds_of_every_history(spans: list[tuple[float, float]]) -> None:
    events = [Event("c", "f", (), a, a + w, "ok", None, a) for a, w in spans]
    found = little(events)
    assert found.in_system == pytest.approx(found.rate_per_s * found.mean_time_s, rel=1e-6, abs=1e-9)


def test_a_history_shorter_than_a_nanosecond_has_no_rate() -> None:
    assert little([Event("c", "f", (), 0.0, 5e-324, "ok", None, 0.0)]).rate_per_s == 0


def test_the_mean_of_nothing_is_no_number() -> None:
    assert math.isnan(mean([]))
