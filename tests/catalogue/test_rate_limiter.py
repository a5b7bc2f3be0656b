"""What q01-rate-limiter counts, by hand; its own script beside brute force; and what theory says of two counts."""

from __future__ import annotations

from collections import Counter
from math import pi, sqrt
from random import Random
from statistics import fmean

import pytest
from hypothesis import given, strategies as st

from helpers.arms import Arm, World, arms
from windtunnel import Event
from windtunnel.blocks.resilience import SlidingCounter, TokenBucket
from windtunnel.catalogue.interview.q01_rate_limiter import TAKE, Params, arrivals, workload
from windtunnel.catalogue.interview.q01_rate_limiter.judging import FLOOD, OVER, STEADY, STICKY, most, off, wronged
from windtunnel.engines import CachePort, Store
from windtunnel.lab.discovery import find

P = Params(limit=3, window_s=2.0)


def asked(*those: tuple[float, float, bool]) -> list[Event]:
    """Requests: when they came, when they were answered, and what."""
    return [Event("a", "ask", (), start, end, "ok", value, start, i) for i, (start, end, value) in enumerate(those)]


def test_too_many_are_those_that_were_asked_and_answered_within_a_window() -> None:
    assert most(asked((0.0, 0.1, True), (1.0, 1.1, True), (1.8, 1.9, True)), 2.0) == 3
    assert most(asked((0.0, 0.1, True), (1.0, 1.1, True), (1.8, 2.1, True)), 2.0) == 2, "it may be the next window's"
    assert most(asked((0.0, 0.1, True), (1.0, 1.1, False)), 2.0) == 1
    assert most([], 2.0) == 0


def test_who_is_refused_is_wronged_where_not_even_all_who_may_have_been_let_through_are_the_limit() -> None:
    two = ((0.0, 0.1, True), (0.2, 0.3, True))
    assert wronged(asked(*two, (1.0, 1.1, False)), P) == 1
    assert wronged(asked(*two, (0.5, 1.5, True), (1.0, 1.1, False)), P) == 0, "the third may have come before it"
    assert wronged(asked(*two, (0.5, 0.6, True), (2.05, 2.06, False)), P) == 0, "the first may be within the window"
    assert wronged(asked(*two, (0.5, 0.6, True), (2.15, 2.16, False)), P) == 1


# --- tenths of a window, beside brute force --------------------------------------------------------------------------
class Times:
    """A store whose clock is moved by hand."""

    def __init__(self) -> None:
        self.now_ns = 10**18 + 50_000  # edges of parts are rounded, so none of these times is on one
        self.store = Store(lambda: self.now_ns)

    def take(self, limit: int, width_s: float, parts: int) -> bool:
        return bool(TAKE.model(self.store, ["a"], [str(limit), str(width_s), str(parts)]))


@given(st.lists(st.integers(0, 900), max_size=80), st.integers(1, 8))
def test_never_are_more_let_through_than_the_limit_and_nobody_is_refused_below_it_in_a_tenth_more(
    waits_ms: list[int], limit: int
) -> None:
    times, let = Times(), list[int]()
    for wait_ms in waits_ms:
        times.now_ns += wait_ms * 10**6
        now_ms = times.now_ns // 10**6
        may = times.take(limit, 0.1, 10)
        parts = Counter(at // 100 for at in let)
        within = sum(parts[now_ms // 100 - part] for part in range(11))
        assert may is (within < limit), "the part that goes out counts as a whole"
        if may:
            let.append(now_ms)
        assert sum(at > now_ms - 1000 for at in let) <= limit
        assert may or sum(at > now_ms - 1100 for at in let) >= limit


def test_a_clock_that_goes_back_keeps_the_order_of_what_was_counted() -> None:
    times = Times()
    assert [times.take(2, 0.1, 10) for _ in range(3)] == [True, True, False]
    times.now_ns -= 5 * 10**9
    assert not times.take(2, 0.1, 10)
    times.now_ns += 12 * 10**8
    assert times.take(2, 0.1, 10), "a window and a part later they are out, by whatever clock"


@pytest.mark.parametrize("arm", arms("cache"))
def test_the_script_is_the_model(arm: Arm) -> None:
    async def script(cache: CachePort, world: World) -> None:
        found = await world.together(*(cache.run(TAKE, ["a"], [7, 60.0, 10]) for _ in range(20)))
        assert sum(found) == 7
        assert [await cache.run(TAKE, ["b"], [2, 0.02, 10]) for _ in range(3)] == [1, 1, 0]
        await world.sleep(0.3)
        assert await cache.run(TAKE, ["b"], [2, 0.02, 10]) == 1
        left = await cache.ttl_s("b")
        assert left is not None
        assert 0.1 < left <= 0.22

    arm(script)


# --- what is known of the others -------------------------------------------------------------------------------------
def test_two_counts_let_nearly_twice_the_limit_through_who_comes_late_in_both_windows() -> None:
    counter = SlidingCounter(100, 60.0)
    late = [59.9] * 100 + [60.0 + 59.0] * 100
    assert sum(counter.take(at_s=at).allowed for at in late) == 198


def test_a_bucket_lets_through_what_it_holds_and_what_flows_in() -> None:
    bucket = TokenBucket(100 / 60, 100)
    assert sum(bucket.take(at_s=at).allowed for at in [59.0] * 100 + [61.0] * 100) == 103


def test_how_far_two_counts_are_off_is_a_third_over_the_root_of_how_many_come() -> None:
    """Of the last window's n a part f lies within a window of now: binomial, off by sqrt(2 / pi n f (1 - f)).

    Over all f the root of f (1 - f) is pi / 8.
    """
    luck, n = Random(5), 400
    times, at = [], 0.0
    while at < 100 * 2.0:
        at += luck.expovariate(n / 2.0)
        times.append((at, at, True))
    assert sqrt(2 / pi) * pi / 8 == pytest.approx(0.3133, abs=1e-4)
    assert off(asked(*times), P) == pytest.approx(0.3133 / sqrt(n), rel=0.1)


# --- who asks --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("limit", [10, 20, 100])
def test_who_stays_below_the_limit_does_so_in_every_window_and_a_tenth(seed: int, limit: int) -> None:
    p = Params(limit=limit)
    times = sorted(at for at, client in arrivals(p, Random(seed)) if client == STEADY)
    assert all(sum(at <= other < at + 1.1 * p.window_s for other in times) <= limit for at in times)


def test_a_design_is_not_told_what_a_client_is_about_to_do() -> None:
    numbers = [{op.client: op.args[0] for op in workload(Params(), Random(seed))} for seed in range(8)]
    assert all(sorted(found.values()) == list(range(8)) for found in numbers)
    assert len({found[FLOOD] for found in numbers}) > 2
    ops = list(workload(Params(), Random(0)))
    assert {op.args[1] for op in ops if op.client == STICKY} == {0}
    assert fmean(op.args[1] for op in ops if op.client == OVER) == pytest.approx(1.5, abs=0.4)


def test_each_law_has_its_own_claim_and_each_trouble() -> None:
    experiment = find("q01-rate-limiter")
    assert {claim.given["trouble"] for claim in experiment.claims} == {
        "none",
        "dies",
        "restarts",
        "stalls",
        "clock ahead",
        "clock back",
    }
