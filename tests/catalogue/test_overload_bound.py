"""The bound of a queue at which its goodput collapses, searched by halving, and what theory says of it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from statistics import stdev

import pytest

from windtunnel import Op
from windtunnel.catalogue.scale.overload import Params, experiment
from windtunnel.catalogue.scale.overload.judging import bounded_goodput, gamma_below, half_bound, loads
from windtunnel.lab.running.work import drive, measured, workload
from windtunnel.statistics import t_interval

SETTING = Params(steps=1, refuse=0.0, storm_s=2.0)


@cache
def ops(seed: int) -> list[Op]:
    """The same requests, whatever the bound."""
    return workload(experiment, SETTING, seed)


def goodput(cap: int, seed: int) -> float:
    """Answers in time of one run, as a share of the capacity."""
    p = replace(SETTING, cap=cap)
    history = drive(experiment, "sim", "bigger_queue", seed, p, ops(seed), experiment.faults_for(p))
    return measured(experiment, history, p)["good"]


def found_bound(seed: int) -> float:
    """Between which two bounds half of the capacity is lost: eight runs a seed."""
    low, high = 20, 84
    assert goodput(low, seed) > 0.5 > goodput(high, seed)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if goodput(middle, seed) >= 0.5 else (low, middle)
    return (low + high) / 2


SCATTER = 2
"""Places by which the bounds of single seeds lie around their mean: the standard deviation of forty is 1.97."""


def test_goodput_collapses_around_the_bound_that_theory_says() -> None:
    bound = round(half_bound(Params()))
    for seed in range(3):
        assert goodput(bound - 4 * SCATTER, seed) > 0.5 > goodput(bound + 4 * SCATTER, seed)


@pytest.mark.soak
def test_the_bound_at_which_goodput_collapses_is_where_theory_says() -> None:
    """With three seeds the interval is ten places wide, and says nothing of the three below capacity times deadline."""
    p = Params()
    bounds = [found_bound(seed) for seed in range(16)]
    found = t_interval(bounds)
    assert found.low <= half_bound(p) <= found.high
    assert found.high < p.capacity * p.deadline_s, "a little below capacity times deadline: an answer takes time itself"
    assert stdev(bounds) < 1.5 * SCATTER


def test_a_bounded_queue_in_closed_form() -> None:
    p = Params()
    assert gamma_below(1, 2.0, 0.5) == pytest.approx(0.632121)
    assert bounded_goodput(p, 20) == pytest.approx(goodput(20, 1), rel=0.1)
    assert bounded_goodput(replace(p, load=0.5), 200) == pytest.approx(0.5, rel=0.01)
    assert bounded_goodput(p, 200) < 1e-6
    assert half_bound(replace(p, deadline_s=0.2)) > 1.9 * half_bound(p)


def test_loads_are_evenly_spaced_and_end_at_the_highest() -> None:
    assert loads(Params(load=2.0)) == pytest.approx([0.5, 1.0, 1.5, 2.0])
    assert loads(Params(steps=1)) == [3.0]
