"""Rate limiters: what each lets through, in this process, in batches and in a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import numpy as np
import pytest
import redis.asyncio
from hypothesis import given, settings, strategies as st

from helpers.clocked import run_virtual
from windtunnel.blocks.resilience.rate_limit import (
    FixedWindow,
    Gcra,
    RateLimited,
    RateLimiter,
    SlidingCounter,
    SlidingLog,
    TokenBucket,
)
from windtunnel.blocks.resilience.rate_limit_batch import BatchGcra, BatchTokenBucket
from windtunnel.blocks.resilience.rate_limit_redis import RedisRateLimiter

ALGORITHMS: dict[str, Callable[[], RateLimiter[Any]]] = {
    "fixed": lambda: FixedWindow(5, 2.0),
    "log": lambda: SlidingLog(5, 2.0),
    "counter": lambda: SlidingCounter(5, 2.0),
    "bucket": lambda: TokenBucket(2.5, 5),
    "gcra": lambda: Gcra(2.5, 5),
}

steps = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 40), st.integers(1, 3)), max_size=80)
"""(key, sixteenths of a second since the last request, cost): times that binary fractions hold exactly."""


def requests(plan: list[tuple[str, int, int]], start: float = 1000.0) -> Iterator[tuple[str, float, int]]:
    for key, sixteenths, cost in plan:
        start += sixteenths / 16
        yield key, start, cost


@pytest.fixture(params=ALGORITHMS)
def limiter(request: pytest.FixtureRequest) -> RateLimiter[Any]:
    return ALGORITHMS[request.param]()


@given(steps)
def test_a_sliding_log_lets_through_exactly_the_limit_in_any_window(plan: list[tuple[str, int, int]]) -> None:
    limiter, passed = SlidingLog(5, 2.0), []
    for key, now, cost in requests(plan):
        in_window = sum(c for k, t, c in passed if k == key and t + 2.0 > now)
        assert limiter.take(key, cost, at_s=now).allowed == (in_window + cost <= 5)
        if in_window + cost <= 5:
            passed.append((key, now, cost))


@given(steps)
def test_a_token_bucket_lets_through_at_most_burst_and_rate_in_any_time(plan: list[tuple[str, int, int]]) -> None:
    limiter, passed = TokenBucket(2.5, 5), []
    for key, now, cost in requests(plan):
        if limiter.take(key, cost, at_s=now).allowed:
            passed.append((key, now, cost))
            for k, since, _ in passed:
                if k == key:
                    assert sum(c for k, t, c in passed if k == key and t >= since) <= 5 + 2.5 * (now - since) + 1e-5


@given(steps)
def test_gcra_decides_as_the_token_bucket_does(plan: list[tuple[str, int, int]]) -> None:
    bucket, gcra = TokenBucket(2.5, 5), Gcra(2.5, 5)
    for key, now, cost in requests(plan):
        one, other = bucket.take(key, cost, at_s=now), gcra.take(key, cost, at_s=now)
        assert one.allowed == other.allowed
        assert one == pytest.approx(other, abs=1e-5)


@given(steps)
def test_a_sliding_counter_is_exact_for_traffic_that_is_spread_evenly(plan: list[tuple[str, int, int]]) -> None:
    """And by its own definition always; the definition is written out here."""
    limiter, passed = SlidingCounter(5, 2.0), []
    for key, now, cost in requests(plan):
        window = now // 2.0
        count = sum(c for k, t, c in passed if k == key and t // 2.0 == window)
        before = sum(c for k, t, c in passed if k == key and t // 2.0 == window - 1)
        allowed = before * (1 - (now / 2.0 - window)) + count + cost <= 5 + 1e-9
        assert limiter.take(key, cost, at_s=now).allowed == allowed
        if allowed:
            passed.append((key, now, cost))


@pytest.mark.parametrize("name", ALGORITHMS)
@given(plan=steps)
def test_after_the_time_it_was_told_a_request_passes(name: str, plan: list[tuple[str, int, int]]) -> None:
    limiter = ALGORITHMS[name]()
    for key, now, cost in requests(plan):
        decision = limiter.take(key, cost, at_s=now)
        assert decision.allowed == (decision.retry_after_s == 0)
        if not decision.allowed:
            assert decision.remaining < cost
            early = limiter.take(key, cost, at_s=now + 0.98 * decision.retry_after_s)
            assert not early.allowed
            assert limiter.take(key, cost, at_s=now + decision.retry_after_s + 1e-6).allowed
            return


@pytest.mark.parametrize("name", ALGORITHMS)
@given(plan=steps)
def test_what_is_kept_as_a_text_decides_as_what_was_remembered(name: str, plan: list[tuple[str, int, int]]) -> None:
    texts: dict[str, str | None] = {"c": None}
    here, there = ALGORITHMS[name](), ALGORITHMS[name]()
    for key, now, cost in requests(plan):
        there.keep(key, texts.get(key))
        assert there.take(key, cost, at_s=now) == here.take(key, cost, at_s=now)
        texts[key] = there.kept(key)
        there.keep(key, None)
        assert there.kept(key) is None
    assert there.tracked == 0
    with pytest.raises(ValueError, match="could not convert"):
        there.keep("a", "no numbers")


def test_the_edge_of_a_window_lets_twice_the_limit_through_a_fixed_window_only() -> None:
    """A hundred a minute; two hundred requests in the two seconds around the edge (figures Q1)."""
    admitted = {}
    for name, limiter in {
        "fixed": FixedWindow(100, 60.0),
        "log": SlidingLog(100, 60.0),
        "counter": SlidingCounter(100, 60.0),
        "bucket": TokenBucket(100 / 60, 100),
        "burst 10": Gcra(100 / 60, 10),
    }.items():
        admitted[name] = sum(limiter.take(at_s=59.0 + i * 0.01).allowed for i in range(200))
    assert admitted == {"fixed": 200, "log": 100, "counter": 101, "bucket": 103, "burst 10": 13}


def test_cloudflares_example_of_a_sliding_counter() -> None:
    limiter = SlidingCounter(50, 60.0)
    for _ in range(42):
        limiter.take(at_s=30.0)
    for _ in range(18):
        assert limiter.take(at_s=75.0).allowed
    assert 50 - limiter.take(at_s=75.0).remaining == pytest.approx(49.5)


def test_a_cost_that_can_never_pass_is_refused_with_a_word(limiter: RateLimiter[Any]) -> None:
    for cost in (0, -1, 6, float("nan")):
        with pytest.raises(ValueError, match="at most 5"):
            limiter.take(cost=cost)
    with pytest.raises(ValueError, match="whole requests"):
        SlidingLog(5, 1).take(cost=1.5)


@pytest.mark.parametrize("make", [TokenBucket, Gcra, SlidingCounter, FixedWindow, SlidingLog, BatchGcra])
def test_settings_must_be_positive(make: Any) -> None:
    for bad in ((0, 1), (1, 0), (-1, 5)):
        with pytest.raises(ValueError, match="must be"):
            make(*bad)


def test_a_clock_that_steps_back_gives_nothing_away(limiter: RateLimiter[Any]) -> None:
    for _ in range(5):
        assert limiter.take(at_s=100.5).allowed
    assert not any(limiter.take(at_s=100.5 - i).allowed for i in range(10))


@pytest.mark.parametrize("limiter", [FixedWindow(2, 10.0), SlidingLog(2, 10.0), SlidingCounter(2, 10.0), Gcra(0.2, 2)])
def test_where_the_clock_has_gone_back_the_wait_is_from_the_latest_time(limiter: RateLimiter[Any]) -> None:
    assert limiter.take("a", 2, at_s=100.0).allowed
    told = limiter.take("a", at_s=70.0)
    assert not told.allowed
    assert not limiter.take("a", at_s=70.0 + told.retry_after_s).allowed
    assert limiter.take("a", at_s=100.0 + told.retry_after_s).allowed


def test_keys_that_are_idle_are_forgotten(limiter: RateLimiter[Any]) -> None:
    for i in range(20_000):
        limiter.take(i, at_s=i * 0.1)
    assert limiter.tracked < 3000
    assert limiter.take(19_999, at_s=1999.9).remaining == pytest.approx(3, abs=0.5), "the active ones are not"


def test_the_loops_clock_is_used_where_no_time_is_given(limiter: RateLimiter[Any]) -> None:
    async def main() -> None:
        for _ in range(5):
            async with limiter:
                pass
        with pytest.raises(RateLimited):
            async with limiter:
                pass
        await asyncio.sleep(4)
        async with limiter:
            pass

    run_virtual(main())


# Batches


@pytest.mark.parametrize(("batch", "single"), [(BatchGcra, Gcra), (BatchTokenBucket, TokenBucket)])
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_batches_decide_as_one_after_the_other(batch: Any, single: Any, data: st.DataObject) -> None:
    burst = data.draw(st.integers(1, 6))
    ours, reference = batch(2.5, burst), single(2.5, burst)
    for _ in range(3):
        keys = data.draw(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 3), max_size=50))
        times = [1000 + data.draw(st.integers(0, 100)) / 16 for _ in keys]
        got = ours.decide(np.array(keys, np.uint64), times)
        assert got.tolist() == [reference.take(k, at_s=t).allowed for k, t in zip(keys, times, strict=True)]


@pytest.mark.parametrize("batch", [BatchGcra, BatchTokenBucket])
def test_the_table_of_a_batch_grows_and_forgets_nobody(batch: Any) -> None:
    limiter = batch(1, 1)
    keys = np.arange(5000, dtype=np.uint64) * np.uint64(2**40 + 1)
    assert limiter.decide(keys, 0.0).all()
    assert limiter.tracked == 5000
    assert not limiter.decide(keys[::-1], 0.5).any()
    assert limiter.decide(keys, 1.0).all()


def test_batches_take_integers_strings_and_bytes() -> None:
    for keys in (np.array([1, 2, 1]), np.array([1, 2, 1], np.uint8), [1, 2, 1], ["a", "b", "a"], [b"a", b"b", b"a"]):
        assert BatchGcra(1, 1).decide(keys, 0.0).tolist() == [True, True, False]
    assert BatchGcra(1, 1).decide([], 0.0).tolist() == []
    with pytest.raises(ValueError, match="integers"):
        BatchGcra(1, 1).decide([1.5], 0.0)
    with pytest.raises(ValueError, match="finite"):
        BatchGcra(1, 1).decide([1], float("nan"))


# Redis


@pytest.mark.live
@pytest.mark.parametrize("name", ALGORITHMS)
def test_redis_decides_as_this_process_does(redis_port: int, name: str) -> None:
    random = Random(name)
    plan = [(random.choice("ab"), random.randrange(9), random.randint(1, 3)) for _ in range(400)]

    async def main() -> None:
        async with redis.asyncio.Redis(port=redis_port) as client:
            here, there = ALGORITHMS[name](), RedisRateLimiter(client, ALGORITHMS[name](), prefix=f"{name}:")
            refused = 0
            for key, now, cost in requests(plan, start=1.7e9):
                expected = here.take(key, cost, at_s=now)
                assert await there.take(key, cost, at_s=now) == pytest.approx(expected, abs=1e-6)
                refused += not expected.allowed
            assert 50 < refused < 350
            await there.take("of the server's time")
            assert 0 < await client.pttl(f"{name}:of the server's time") <= 4000, "state expires by itself"

    asyncio.run(main())


@pytest.mark.live
@pytest.mark.parametrize("name", ALGORITHMS)
def test_many_clients_at_once_get_no_more_than_the_limit(redis_port: int, name: str) -> None:
    """Each has a connection of its own; nobody reads what another is about to write."""

    async def main() -> None:
        clients = [redis.asyncio.Redis(port=redis_port) for _ in range(8)]
        try:
            algorithm = type(ALGORITHMS[name]())(*((1e-6, 50) if name in ("bucket", "gcra") else (50, 1e6)))
            limiters = [RedisRateLimiter(client, algorithm, prefix=f"many:{name}:") for client in clients]
            decisions = await asyncio.gather(*(limiter.take("x") for limiter in limiters for _ in range(20)))
            assert sum(decision.allowed for decision in decisions) == 50
            with pytest.raises(RateLimited):
                await limiters[0].check("x")
            with pytest.raises(ValueError, match="at most 50"):
                await limiters[0].take("x", 51)
        finally:
            for client in clients:
                await client.aclose()

    asyncio.run(main())


def test_a_redis_that_is_down_fails_as_was_asked() -> None:
    class Down:
        def register_script(self, script: str) -> Any:
            async def run(keys: list[str], args: list[str]) -> Any:
                raise ConnectionError("down")

            return run

    async def main() -> None:
        assert (await RedisRateLimiter(Down(), Gcra(1, 1), on_error="allow").take()).allowed
        assert not (await RedisRateLimiter(Down(), Gcra(1, 1), on_error="deny").take()).allowed
        with pytest.raises(ConnectionError):
            await RedisRateLimiter(Down(), Gcra(1, 1)).take()

    run_virtual(main())
