"""Backoff, budget and deadline headers: what is exact about them."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, strategies as st

from helpers.clocked import run_virtual
from windtunnel.blocks.resilience.deadline import Deadline, grpc_timeout, remaining_s
from windtunnel.blocks.resilience.rate_limit import RateLimited
from windtunnel.blocks.resilience.retry import (
    Backoff,
    Budget,
    Retry,
    decorrelated_jitter,
    equal_jitter,
    exponential,
    full_jitter,
    no_wait,
)


@given(st.floats(0.001, 1), st.floats(1, 100), st.integers(0, 2000), st.floats(0, 100), st.integers())
def test_every_wait_lies_within_its_law(base_s: float, cap_s: float, retry: int, before_s: float, seed: int) -> None:
    random = Random(seed)
    whole = min(cap_s, base_s * 2.0 ** min(retry, 1000))
    assert no_wait()(retry, before_s, random) == 0
    assert exponential(base_s, cap_s)(retry, before_s, random) == whole
    assert whole / 2 <= equal_jitter(base_s, cap_s)(retry, before_s, random) <= whole
    assert 0 <= full_jitter(base_s, cap_s)(retry, before_s, random) <= whole
    wait_s = decorrelated_jitter(base_s, cap_s)(retry, before_s, random)
    assert base_s <= wait_s <= min(cap_s, max(3 * base_s, 3 * before_s)) + 1e-12


@pytest.mark.parametrize("law", [exponential, equal_jitter, full_jitter, decorrelated_jitter])
def test_a_cap_below_the_base_is_refused(law: type[Backoff]) -> None:
    with pytest.raises(ValueError, match="base_s <= cap_s"):
        law(2.0, 1.0)  # type: ignore[call-arg]


def waits(retry: Retry, error: Exception) -> list[float]:
    """The virtual times between the attempts of a call that always fails."""
    times: list[float] = []

    async def fail() -> None:
        times.append(asyncio.get_running_loop().time())
        raise error

    async def main() -> None:
        with pytest.raises(type(error)):
            await retry.call(fail)

    run_virtual(main())
    return [later - sooner for sooner, later in pairwise(times)]


def test_the_waits_are_those_of_the_law() -> None:
    assert waits(Retry(6, exponential(0.1, 0.5)), ConnectionError()) == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5])
    assert waits(Retry(1), ConnectionError()) == []


def test_the_same_luck_gives_the_same_waits() -> None:
    for law in (equal_jitter(), full_jitter(), decorrelated_jitter()):
        first, again = (waits(Retry(5, law, random=Random(7)), ConnectionError()) for _ in range(2))
        assert first == again
        assert len(set(first)) == 4


def test_a_server_that_says_when_is_believed() -> None:
    assert waits(Retry(3, exponential(0.1), on=RateLimited), RateLimited(7.0)) == [7.0, 7.0]


def test_a_budget_begins_full_and_fills_with_the_calls() -> None:
    budget = Budget(ratio=0.1, burst=2)
    assert [budget.withdraw() for _ in range(3)] == [True, True, False]
    for _ in range(10):
        budget.deposit()
    assert [budget.withdraw() for _ in range(2)] == [True, False]
    for _ in range(1000):
        budget.deposit()
    assert budget.tokens == 2
    with pytest.raises(ValueError, match="0 or more"):
        Budget(ratio=-1)


def test_at_least_one_attempt() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Retry(0)


@given(st.floats(0, 1e8))
def test_what_is_left_of_a_deadline_crosses_to_another_process(timeout_s: float) -> None:
    async def main() -> None:
        assert grpc_timeout() is None
        async with Deadline(timeout_s):
            header = grpc_timeout()
            assert header is not None
            assert len(header) <= 9
        async with Deadline.from_grpc(header):
            left_s = remaining_s()
            assert left_s is not None
            assert left_s <= timeout_s + 1e-9
            assert left_s == pytest.approx(timeout_s, rel=1e-4, abs=1e-6) or timeout_s > 99_999_999
        async with Deadline.from_grpc(None):
            assert remaining_s() is None

    run_virtual(main())


@pytest.mark.parametrize("header", ["", "5", "5x", "-1S", "123456789S", "1.5S", "S", "²S"])
def test_a_malformed_deadline_header_is_refused(header: str) -> None:
    with pytest.raises(ValueError, match="grpc-timeout"):
        Deadline.from_grpc(header)


def test_a_negative_timeout_is_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        Deadline(-1)
