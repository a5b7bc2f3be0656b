"""Workloads: the right rate at the right time, the same requests from the same luck."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from random import Random
from typing import Any

import pytest
import scipy.stats
from hypothesis import given, strategies as st

from windtunnel.lab.workload import (
    HotKeys,
    Zipf,
    at_once,
    batches,
    bursts,
    diurnal,
    evenly,
    lognormal,
    poisson,
    ramp,
    recorded,
    requests,
    shares,
    thinking,
    varying,
)


def uniform(times: list[float], rate_sum: Any, end: float) -> float:
    """The p-value that arrivals follow a rate: its integral turns them into uniform ones."""
    total = rate_sum(end)
    return float(scipy.stats.kstest([rate_sum(t) / total for t in times], "uniform").pvalue)


def test_poisson_gaps_are_exponential() -> None:
    times = list(poisson(50.0, Random(1), count=5000))
    gaps = [b - a for a, b in pairwise([0.0, *times])]
    assert scipy.stats.kstest(gaps, "expon", args=(0, 1 / 50)).pvalue > 0.001


def test_poisson_counts_are_poisson() -> None:
    counts = [len(list(poisson(10.0, Random(seed), until_s=2.0))) for seed in range(500)]
    assert scipy.stats.ttest_1samp(counts, 20).pvalue > 0.001
    assert 15 < scipy.stats.tvar(counts) < 26


def test_poisson_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a count or until_s"):
        next(poisson(1.0, Random(0)))


def test_a_ramp_rises_in_a_straight_line() -> None:
    times = list(ramp(0.0, 200.0, 50.0, Random(2)))
    assert len(times) == pytest.approx(5000, rel=0.05)
    assert uniform(times, lambda t: t * t, 50.0) > 0.001


def test_day_and_night_follow_a_sine() -> None:
    times = list(diurnal(50.0, 0.8, 200.0, Random(3), period_s=100.0))
    w = 2 * math.pi / 100
    assert uniform(times, lambda t: t - 0.8 * math.sin(w * t) / w, 200.0) > 0.001


def test_bursts_come_at_the_end_of_each_period() -> None:
    times = list(bursts(10.0, 500.0, 10.0, 1.0, 100.0, Random(4)))
    inside = sum(t % 10 >= 9 for t in times)
    assert inside == pytest.approx(5000, rel=0.1)
    assert len(times) - inside == pytest.approx(900, rel=0.2)


def test_a_rate_above_its_peak_is_refused() -> None:
    with pytest.raises(ValueError, match="must stay from 0 to 5"):
        list(varying(lambda t: 6.0, 5.0, 10.0, Random(5)))


def test_recorded_arrivals_start_at_zero_and_may_be_sped_up() -> None:
    assert list(recorded([103.0, 100.0, 101.0], speed=2.0)) == [0.0, 0.5, 1.5]


def test_a_clock_and_a_stampede() -> None:
    assert list(evenly(4.0, 3)) == [0.0, 0.25, 0.5]
    assert list(at_once(2, 7.0)) == [7.0, 7.0]


@given(st.integers(0, 2**32))
def test_the_same_luck_makes_the_same_arrivals(seed: int) -> None:
    make = [list(bursts(5.0, 50.0, 2.0, 0.5, 10.0, Random(seed))) for _ in range(2)]
    assert make[0] == make[1] == sorted(make[0])


def test_requests_are_numbered_through_their_functions() -> None:
    ops = list(requests([0.0, 1.0], "get", args=lambda i: (i * 10,), client=lambda i: f"c{i % 2}"))
    assert [(o.at, o.client, o.name, o.args) for o in ops] == [(0.0, "c0", "get", (0,)), (1.0, "c1", "get", (10,))]


def test_thinking_clients_close_the_loop() -> None:
    ops = list(thinking(3, 4, 2.0, Random(6), "get"))
    assert Counter(o.client for o in ops) == {f"client {i}": 4 for i in range(3)}
    assert all(o.think_s > 0 for o in ops)
    assert all(o.think_s == 0 for o in thinking(1, 5, 0.0, Random(6), "get"))
    assert [o.args for o in batches("hash", [b"a", b"b"])] == [(b"a",), (b"b",)]


@pytest.mark.parametrize("exponent", [0.0, 0.8, 1.0, 1.5])
def test_zipf_follows_its_law(exponent: float) -> None:
    keys, random = Zipf(20, exponent), Random(7)
    seen = Counter(keys.draw(random) for _ in range(20_000))
    weights = [(k + 1) ** -exponent for k in range(20)]
    expected = [20_000 * w / sum(weights) for w in weights]
    assert scipy.stats.chisquare([seen[k] for k in range(20)], expected).pvalue > 0.001


def test_hot_keys_take_their_share() -> None:
    keys, random = HotKeys(100, 2, 0.9), Random(8)
    seen = Counter(keys.draw(random) for _ in range(20_000))
    assert seen[0] + seen[1] == pytest.approx(18_000, rel=0.02)
    assert set(seen) == set(range(100))
    with pytest.raises(ValueError, match="hot < count"):
        HotKeys(2, 2, 0.5)


@pytest.mark.parametrize("variation", [0.0, 0.5, 3.0])
def test_lognormal_has_the_mean_and_variation_asked_for(variation: float) -> None:
    random = Random(9)
    logs = [math.log(lognormal(2.0, variation, random)) for _ in range(20_000)]
    spread2 = math.log(1 + variation**2)
    if variation:
        assert scipy.stats.kstest(logs, "norm", args=(math.log(2) - spread2 / 2, math.sqrt(spread2))).pvalue > 0.001
    else:
        assert set(logs) == {math.log(2.0)}


def test_shares_follow_their_weights() -> None:
    random = Random(10)
    seen = Counter(shares((1, 2, 7), random) for _ in range(10_000))
    assert scipy.stats.chisquare([seen[i] for i in range(3)], [1000, 2000, 7000]).pvalue > 0.001
