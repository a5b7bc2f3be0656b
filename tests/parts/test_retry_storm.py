"""The compiled retry storm is the one made of light processes, count for count; and it fails as the literature says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from windtunnel.parts import by_events
from windtunnel.sim.closed_forms import metastable_load
from windtunnel.sim.compiled.retry import COLUMNS, DISCIPLINES, RetryStorm, Storm, retry_storm

SHORT = RetryStorm(seconds=6.0, trigger_at_s=2.0, trigger_s=0.5)
CURES: list[dict[str, object]] = [
    {},
    {"queue_limit": 60},
    {"drops_late": True},
    {"retry_budget": 0.1},
    {"pause_s": 0.05, "queue_limit": 60},
    {"pause_s": 0.0123, "retry_budget": 0.2, "drops_late": True, "load": 1300.0},
    {"load": 100.0, "peak": 1300.0},
]


def same(model: RetryStorm, seed: int) -> None:
    ours, events = retry_storm(model, seed), by_events(model, seed)
    np.testing.assert_array_equal(ours.tallies, events.tallies)
    assert ours.left == events.left


@pytest.mark.parametrize("discipline", DISCIPLINES)
@pytest.mark.parametrize("cure", CURES)
def test_the_kernel_counts_what_the_light_processes_count(discipline: str, cure: dict[str, object]) -> None:
    same(replace(SHORT, discipline=discipline, **cure), seed=1)  # type: ignore[arg-type]  # fields by name


@given(
    load=st.floats(20.0, 300.0),
    timeout_ms=st.integers(1, 200),
    retries=st.integers(0, 4),
    pause_ms=st.sampled_from([0, 1, 37]),
    limit=st.sampled_from([None, 0, 1, 10]),
    budget=st.sampled_from([None, 0.0, 0.5]),
    discipline=st.sampled_from(DISCIPLINES),
    drops_late=st.booleans(),
    trigger=st.tuples(st.floats(0.0, 1.5), st.floats(0.0, 1.0), st.sampled_from([0.3, 0.9, 1.0])),
    seed=st.integers(0, 5),
)
@settings(max_examples=150)
def test_whatever_the_parameters(
    load: float,
    timeout_ms: int,
    retries: int,
    pause_ms: int,
    limit: int | None,
    budget: float | None,
    discipline: str,
    drops_late: bool,
    trigger: tuple[float, float, float],
    seed: int,
) -> None:
    model = RetryStorm(
        load=load,
        capacity=101.0,
        timeout_s=timeout_ms / 1000,
        retries=retries,
        pause_s=pause_ms / 1000,
        queue_limit=limit,
        retry_budget=budget,
        discipline=discipline,
        drops_late=drops_late,
        trigger_at_s=trigger[0],
        trigger_s=trigger[1],
        trigger_loss=trigger[2],
        seconds=2.0,
    )
    same(model, seed)


def accounted(storm: Storm) -> None:
    total = dict(zip(COLUMNS, storm.tallies.sum(axis=0), strict=True))
    assert total["good"] + total["failed"] <= total["offered"]
    assert total["served"] + total["dropped"] + total["rejected"] + storm.left == total["attempts"]
    assert total["good"] <= total["served"]


def test_a_blip_kills_a_service_with_retries_for_ever_and_one_without_recovers() -> None:
    storm = retry_storm(RetryStorm(trigger_s=1.0), seed=1)
    accounted(storm)
    assert storm.goodput(10, 20) == pytest.approx(700, rel=0.05)
    assert storm.goodput(80, 90) == 0
    assert not storm.recovered()
    assert storm.attempts[80:90].sum() / storm.offered[80:90].sum() == pytest.approx(4.0, rel=0.03)
    for cure in (
        {"retries": 0},
        {"retry_budget": 0.1},
        {"drops_late": True},
        {"discipline": "request codel"},
        {"queue_limit": 200},
    ):
        cured = retry_storm(replace(RetryStorm(trigger_s=1.0), **cure), seed=1)  # type: ignore[arg-type]  # fields
        accounted(cured)
        assert cured.recovered(), cure


def test_a_shorter_blip_does_less_harm() -> None:
    assert retry_storm(RetryStorm(trigger_s=0.1), seed=1).recovered()


@pytest.mark.parametrize("retries", [1, 3])
def test_the_line_between_the_fates_is_capacity_over_amplification(retries: int) -> None:
    line = metastable_load(1000.0, retries + 1.0)
    for load, recovers in [(0.85 * line, True), (1.2 * line, False)]:
        # A long trigger tips whatever can be tipped; then there are five minutes to get up again.
        model = RetryStorm(load=load, retries=retries, trigger_s=20.0, trigger_loss=1.0, seconds=340.0)
        assert retry_storm(model, seed=1).recovered() is recovers


def test_a_bound_on_the_queue_cures_where_its_wait_is_shorter_than_the_clients_patience() -> None:
    # capacity 1000/s, patience 0.25 s: 250 places.
    for limit, recovers in [(100, True), (200, True), (300, False), (500, False)]:
        assert retry_storm(RetryStorm(trigger_s=1.0, queue_limit=limit), seed=1).recovered() is recovers


@pytest.mark.parametrize(("low", "peak"), [(100.0, 1100.0), (900.0, 100.0), (400.0, 400.0)])
def test_a_load_that_rises_and_falls_is_a_triangle(low: float, peak: float) -> None:
    model = RetryStorm(load=low, peak=peak, capacity=5000.0, trigger_s=0.0, seconds=40.0)
    offered = np.mean([retry_storm(model, seed).offered[:40] for seed in range(20)], axis=0)
    middle = np.abs(np.arange(40) + 0.5 - 20)
    np.testing.assert_allclose(offered, peak + (low - peak) * middle / 20, atol=5 * (1100 / 20) ** 0.5)


def test_the_same_load_is_fine_on_the_way_up_and_dead_on_the_way_down() -> None:
    storm = retry_storm(RetryStorm(load=100.0, peak=1100.0, trigger_s=0.0, seconds=60.0), seed=1)
    accounted(storm)
    assert storm.good[6:18].sum() > 0.99 * storm.offered[6:18].sum()
    assert storm.good[42:54].sum() == 0


def test_columns_have_names_and_nonsense_is_refused() -> None:
    storm = retry_storm(SHORT)
    assert storm.offered.sum() == storm.tallies[:, 0].sum()
    with pytest.raises(AttributeError):
        _ = storm.latency
    with pytest.raises(ValueError, match="No discipline"):
        RetryStorm(discipline="sfq")
    with pytest.raises(ValueError, match="above 0"):
        RetryStorm(load=0)
    with pytest.raises(ValueError, match="0 or more"):
        RetryStorm(retries=-1)
    with pytest.raises(ValueError, match="0 to 1"):
        RetryStorm(trigger_loss=2)
