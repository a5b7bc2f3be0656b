"""The breaker's window against a list of all outcomes, and Hystrix's defaults."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, strategies as st

from helpers.clocked import run_virtual
from windtunnel.blocks.resilience.circuit_breaker import CircuitBreaker, CircuitOpen, RollingCounts, State


@given(st.lists(st.tuples(st.floats(0, 6), st.booleans()), max_size=60), st.integers(1, 5))
def test_rolling_counts_hold_the_last_buckets_and_nothing_else(steps: list[tuple[float, bool]], buckets: int) -> None:
    counts, seen, now = RollingCounts(buckets, 1.0), [], 0.0
    for wait_s, failed in steps:
        now += wait_s
        counts.add(now, failed)
        seen.append((int(now), failed))
        inside = [failed for bucket, failed in seen if bucket > int(now) - buckets]
        assert (counts.total, counts.failed) == (len(inside), sum(inside))


async def ok() -> None:
    pass


async def fail() -> None:
    raise ConnectionError


async def outcomes(breaker: CircuitBreaker, plan: str, gap_s: float = 0.0) -> State:
    for step in plan:
        await asyncio.sleep(gap_s)
        if step == "x":
            with pytest.raises(ConnectionError):
                await breaker.call(fail)
        else:
            await breaker.call(ok)
    return breaker.state


@pytest.mark.parametrize(
    ("plan", "gap_s", "state"),
    [
        ("x" * 19, 0.0, State.CLOSED),  # too few calls to judge
        ("x" * 20, 0.0, State.OPEN),
        ("x" * 19 + ".", 0.0, State.OPEN),  # the twentieth is a success, and the rate is still 95 %
        (".." * 6 + "x" * 11, 0.0, State.CLOSED),  # 11 of 23
        (".." * 6 + "x" * 12, 0.0, State.OPEN),  # 12 of 24
        ("x." * 100, 0.4, State.OPEN),
        ("x" * 100, 0.6, State.CLOSED),  # fewer than 20 in any ten seconds
        ("...x" * 50, 0.1, State.CLOSED),  # 25 %
    ],
)
def test_the_circuit_opens_at_half_of_twenty_calls_in_ten_seconds(plan: str, gap_s: float, state: State) -> None:
    async def main() -> State:
        breaker = CircuitBreaker()
        for at in range(len(plan)):
            if breaker.state is State.OPEN:
                return State.OPEN
            await outcomes(breaker, plan[at], gap_s)
        return breaker.state

    assert run_virtual(main()) is state


def test_after_five_seconds_one_probe_and_not_before() -> None:
    async def main() -> None:
        breaker = CircuitBreaker()
        await outcomes(breaker, "x" * 20)
        await asyncio.sleep(4.99)
        with pytest.raises(CircuitOpen) as refused:
            await breaker.call(ok)
        assert refused.value.retry_after_s == pytest.approx(0.01)
        await asyncio.sleep(refused.value.retry_after_s)
        with pytest.raises(ConnectionError):
            await breaker.call(fail)
        await asyncio.sleep(4.99)
        with pytest.raises(CircuitOpen) as refused:
            await breaker.call(ok)
        await asyncio.sleep(refused.value.retry_after_s)
        await breaker.call(ok)
        assert await outcomes(breaker, "x" * 19) is State.CLOSED, "the window begins anew"

    run_virtual(main())


def test_of_many_callers_who_come_at_once_exactly_one_is_the_probe() -> None:
    """The race of a naive breaker: everyone who waits for the half-open state rushes in."""

    async def main() -> None:
        breaker, running = CircuitBreaker(), 0

        async def probe() -> None:
            nonlocal running
            running += 1
            assert running == 1
            await asyncio.sleep(1)
            running -= 1
            raise ConnectionError

        await outcomes(breaker, "x" * 20)
        for _ in range(10):
            await asyncio.sleep(6)
            results = await asyncio.gather(*(breaker.call(probe) for _ in range(50)), return_exceptions=True)
            assert sum(isinstance(result, ConnectionError) for result in results) == 1
            assert sum(isinstance(result, CircuitOpen) for result in results) == 49

    run_virtual(main())


@pytest.mark.parametrize(
    "bad", [{"window_s": 0}, {"buckets": 0}, {"volume_threshold": 0}, {"error_rate": 0}, {"error_rate": 1.1}]
)
def test_bad_settings_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        CircuitBreaker(**bad)  # type: ignore[arg-type]
