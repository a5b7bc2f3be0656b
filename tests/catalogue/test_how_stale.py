"""how-stale: the model against formulas and its definition trial by trial, and the copies against the model."""

from __future__ import annotations

import math
from itertools import product
from random import Random

import numpy as np
import pytest

from windtunnel.catalogue.scale.how_stale.hearing import told_of
from windtunnel.catalogue.scale.how_stale.judging import NEVER, WHILE, measure, went_back
from windtunnel.catalogue.scale.how_stale.wars import (
    FITS,
    Delay,
    asked,
    missed_by_count,
    missed_when_exponential,
    trials,
)
from windtunnel.lab.discovery import find
from windtunnel.lab.history import Event, History
from windtunnel.lab.run import run

COUNT = 100_000


@pytest.mark.parametrize(("copies", "reads", "writes"), [(3, 1, 1), (3, 2, 1), (3, 1, 2), (5, 2, 2), (5, 3, 3)])
def test_where_nothing_spreads_quorums_miss_each_other_as_often_as_chance_has_it(
    copies: int, reads: int, writes: int
) -> None:
    found = asked("exponential", copies, reads, writes, (0.0,), COUNT, 1)
    assert found.stale[0] == pytest.approx(missed_by_count(copies, reads, writes), abs=0.01)


@pytest.mark.parametrize(("copies", "age_ms"), list(product((3, 5), (0.0, 3.0, 10.0, 40.0))))
def test_where_writes_take_an_exponential_time_what_is_missed_is_forgotten_exponentially(
    copies: int, age_ms: float
) -> None:
    found = asked("exponential", copies, 1, 1, (age_ms,), COUNT, 2)
    assert found.stale[0] == pytest.approx(missed_when_exponential(copies, age_ms), abs=0.008)


@pytest.mark.parametrize("fit", FITS)
def test_overlapping_quorums_miss_nothing_in_any_trial(fit: str) -> None:
    for reads, writes in product((1, 2, 3), repeat=2):
        found = asked(fit, 3, reads, writes, (0.0,), 20_000, 3)
        assert (found.stale[0] == 0.0) == (reads + writes > 3), (reads, writes)


def one_by_one(fit: str, reads: int, writes: int, age_ms: float, count: int) -> tuple[float, float]:
    """The definition, trial by trial and copy by copy: the share that misses, and the mean wait of a write."""
    missed, waited = 0, 0.0
    for w, a, r, s in zip(*trials(fit, 3, count, 4), strict=True):
        acknowledged = sorted(w + a)[writes - 1]
        answers = sorted(range(3), key=lambda copy: r[copy] + s[copy])[:reads]
        missed += not any(acknowledged + age_ms + r[copy] >= w[copy] for copy in answers)
        waited += acknowledged
    return missed / count, waited / count


@pytest.mark.parametrize(("reads", "writes", "age_ms"), [(1, 1, 0.0), (2, 1, 1.0), (1, 2, 5.0)])
def test_all_trials_at_once_say_what_they_say_one_by_one(reads: int, writes: int, age_ms: float) -> None:
    share, _ = one_by_one("LinkedIn disk", reads, writes, age_ms, 2_000)
    assert asked("LinkedIn disk", 3, reads, writes, (age_ms,), 2_000, 4).stale[0] == pytest.approx(share)


@pytest.mark.parametrize("delay", sorted({one for pair in FITS.values() for one in pair}, key=repr), ids=str)
def test_single_draws_and_many_follow_the_law_that_is_written_down(delay: Delay) -> None:
    luck = Random(5)
    singly = np.array([1e3 * delay.draw_s(luck) for _ in range(20_000)])
    many = delay.draws_ms(np.random.default_rng(6), (10_000, 2)).ravel()
    for ms in (0.1, 0.3, 1.0, 3.5, 10.0, 100.0):
        pareto = (delay.least_ms / ms) ** delay.shape if ms > delay.least_ms else 1.0
        longer = delay.share * pareto + (1 - delay.share) * math.exp(-delay.rate_per_ms * ms)
        assert np.mean(singly > ms) == pytest.approx(longer, abs=0.015)
        assert np.mean(many > ms) == pytest.approx(longer, abs=0.015)


def test_a_quorum_of_one_that_asks_its_copies_over_the_network_misses_as_often_as_the_model_says() -> None:
    found = run(find("how-stale"), seeds=[3], designs=["one_one"], quick=True, probes=400, trials=50_000)
    measures = found.of("one_one")[0].measures
    assert measures["stale_at_once"] == pytest.approx(measures["model_at_once"], abs=0.1)
    assert measures["stale"] == pytest.approx(measures["model_stale"], abs=0.06)


def event(client: str, name: str, args: tuple[float, ...], value: object, outcome: str = "ok") -> Event:
    return Event(client, name, args, 0.0, 1.0, outcome, value)


def test_who_is_not_answered_and_who_is_told_of_nothing_count() -> None:
    class Asked:
        fit, age_ms = "LinkedIn disk", 10.0

    history = History(
        [
            event("a", "put", (0,), None),
            event("a", "get", (0, 10.0), True),
            event("b", "put", (1,), None),
            event("b", "get", (1, 10.0), None, "unknown"),
            event("c", "put", (2,), None, "unknown"),
            event("c", "get", (2, 10.0), False),
            event("d", "get", (-1, NEVER), True),
            event("w", "get", (0, WHILE), True),
            event("w", "get", (0, WHILE), False),
            event("v", "get", (0, WHILE), False),
            event("v", "get", (0, WHILE), True),
        ]
    )
    found = measure(history, Asked())
    assert found["stale"] == 0.5, "the write that nobody acknowledged may be missed, the read that nobody answered not"
    assert found["invented"] == 1
    assert went_back(history) == 1


def test_a_copy_tells_of_a_write_from_when_it_has_heard_of_it_whoever_told_it() -> None:
    messages = [
        (1, "writers", "copy 0", 0.0, 2.0, "store"),
        (1, "writers", "copy 1", 0.0, None, "store"),
        (2, "copy 0", "readers", 1.9, 2.5, "no, as it was sent before"),
        (3, "readers", "copy 0", 2.5, 2.6, "has"),
        (3, "copy 0", "readers", 2.6, 2.8, "yes"),
        (9, "copy 0", "copy 1", 2.7, 3.0, "what I have heard of"),
        (4, "copy 1", "readers", 2.9, 3.1, "no, as it was sent before"),
        (5, "copy 1", "readers", 3.2, 3.3, "yes"),
        (6, "writers", "copy 2", 0.0, 0.1, "of another write"),
        (6, "copy 2", "writers", 0.2, 0.3, "done"),
    ]
    told = told_of(1, messages)
    assert {request: told.get(request) for request in range(2, 7)} == {2: None, 3: 2.8, 4: None, 5: 3.3, 6: None}
