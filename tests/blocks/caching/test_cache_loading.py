"""Single flight and early refresh, on a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import pytest

from windtunnel.blocks.caching.cache_loading import LoadingCache, SingleFlight


def on_a_clock(main: Callable[[list[float]], Coroutine[Any, Any, None]]) -> None:
    """Run on a loop whose time is the number in a list."""
    now = [0.0]
    loop = asyncio.new_event_loop()
    loop.time = lambda: now[0]  # type: ignore[method-assign]  # the clock of the test
    try:
        loop.run_until_complete(main(now))
    finally:
        loop.close()


async def settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


class Source:
    """Something slow: loads end when the test says so."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.gates: list[asyncio.Future[int]] = []

    async def load(self, key: str) -> int:
        self.started.append(key)
        self.gates.append(asyncio.get_running_loop().create_future())
        return await self.gates[-1]


def test_concurrent_misses_on_one_key_load_once() -> None:
    async def main(now: list[float]) -> None:
        source = Source()
        async with LoadingCache(10, source.load, ttl_s=10) as cache:
            asking = [asyncio.ensure_future(cache.get("a")) for _ in range(50)]
            other = asyncio.ensure_future(cache.get("b"))
            await settle()
            assert source.started == ["a", "b"]
            source.gates[0].set_result(1)
            source.gates[1].set_result(2)
            assert await asyncio.gather(*asking, other) == [1] * 50 + [2]
            assert await cache.get("a") == 1
            assert cache.loads == 2

    on_a_clock(main)


def test_an_exception_goes_to_all_who_wait_and_is_not_kept() -> None:
    async def main(now: list[float]) -> None:
        source = Source()
        async with LoadingCache(10, source.load, ttl_s=10) as cache:
            asking = [asyncio.ensure_future(cache.get("a")) for _ in range(3)]
            await settle()
            source.gates[0].set_exception(OSError("down"))
            got = await asyncio.gather(*asking, return_exceptions=True)
            assert [type(e) for e in got] == [OSError] * 3
            again = asyncio.ensure_future(cache.get("a"))
            await settle()
            source.gates[1].set_result(5)
            assert await again == 5

    on_a_clock(main)


def test_a_cancelled_caller_does_not_harm_the_others() -> None:
    async def main(now: list[float]) -> None:
        source = Source()
        async with LoadingCache(10, source.load, ttl_s=10) as cache:
            first, second = (asyncio.ensure_future(cache.get("a")) for _ in range(2))
            await settle()
            first.cancel()
            await settle()
            assert first.cancelled()
            source.gates[0].set_result(7)
            assert await second == 7

    on_a_clock(main)


def test_when_the_last_caller_is_cancelled_the_call_is_too() -> None:
    async def main(now: list[float]) -> None:
        flights: SingleFlight[str, int] = SingleFlight()
        source = Source()
        first, second = (asyncio.ensure_future(flights.do("a", lambda: source.load("a"))) for _ in range(2))
        await settle()
        first.cancel()
        second.cancel()
        await settle()
        assert source.gates[0].cancelled()
        assert "a" not in flights
        third = asyncio.ensure_future(flights.do("a", lambda: source.load("a")))
        await settle()
        source.gates[1].set_result(1)
        assert await third == 1

    on_a_clock(main)


def test_values_live_for_their_time_and_no_longer() -> None:
    async def main(now: list[float]) -> None:
        loaded = iter(range(10))

        async def load(key: str) -> int:
            return next(loaded)

        async with LoadingCache(10, load, ttl_s=10, beta=0) as cache:
            assert await cache.get("a") == 0
            now[0] = 9.99
            assert await cache.get("a") == 0
            now[0] = 10.0
            assert await cache.get("a") == 1

    on_a_clock(main)


def test_a_refresh_runs_in_the_background_and_nobody_waits_for_it() -> None:
    async def main(now: list[float]) -> None:
        source = Source()
        async with LoadingCache(10, source.load, ttl_s=10, luck=Random(1)) as cache:
            first = asyncio.ensure_future(cache.get("a"))
            await settle()
            now[0] = 2.0  # the load took two seconds
            source.gates[0].set_result(1)
            assert await first == 1
            now[0] = 11.999
            assert [await cache.get("a") for _ in range(5)] == [1] * 5
            await settle()
            assert len(source.started) == 2, "one refresh, however many asked"
            source.gates[1].set_result(2)
            await settle()
            now[0] = 12.5
            assert await cache.get("a") == 2
            assert cache.loads == 2

    on_a_clock(main)


def test_a_failed_refresh_leaves_the_old_value_until_it_expires() -> None:
    async def main(now: list[float]) -> None:
        source = Source()
        async with LoadingCache(10, source.load, ttl_s=10, beta=1e9, luck=Random(1)) as cache:
            first = asyncio.ensure_future(cache.get("a"))
            await settle()
            now[0] = 1.0
            source.gates[0].set_result(1)
            await first
            assert await cache.get("a") == 1
            await settle()
            source.gates[1].set_exception(OSError("down"))
            await settle()
            assert cache.refresh_failures == 1
            assert await cache.get("a") == 1

    on_a_clock(main)


def test_refreshes_come_as_early_as_the_formula_says() -> None:
    """The chance at `t` seconds before expiry is exp(-t / (took * beta)): u is uniform and -ln(u) exponential."""

    async def chance(before_s: float, beta: float) -> float:
        refreshed, trials = 0, 2_000
        loop = asyncio.get_running_loop()
        luck = Random(9)
        for _ in range(trials):
            now = [0.0]
            loop.time = lambda now=now: now[0]  # type: ignore[method-assign]  # the clock of the test
            calls = [0]

            async def load(key: str, now: list[float] = now, calls: list[int] = calls) -> int:
                calls[0] += 1
                now[0] += 2.0
                return 1

            async with LoadingCache(1, load, ttl_s=10, beta=beta, luck=luck) as cache:
                await cache.get("a")
                now[0] = 12.0 - before_s
                await cache.get("a")
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                refreshed += calls[0] == 2
        return refreshed / trials

    async def main(now: list[float]) -> None:
        # Four standard errors of a proportion over 2000 trials are at most 0.045.
        assert await chance(1.0, 1.0) == pytest.approx(0.6065, abs=0.045)
        assert await chance(4.0, 1.0) == pytest.approx(0.1353, abs=0.045)
        assert await chance(4.0, 2.0) == pytest.approx(0.3679, abs=0.045)

    on_a_clock(main)


def test_what_was_forgotten_during_its_load_is_not_kept() -> None:
    async def main(now: list[float]) -> None:
        source = Source()
        async with LoadingCache(10, source.load, ttl_s=10) as cache:
            before = asyncio.ensure_future(cache.get("a"))
            await settle()
            cache.forget("a")  # a write came in between
            after = asyncio.ensure_future(cache.get("a"))
            await settle()
            assert len(source.started) == 2, "who asks after the write does not join the old load"
            source.gates[1].set_result(2)
            assert await after == 2
            source.gates[0].set_result(1)
            assert await before == 1
            assert await cache.get("a") == 2

    on_a_clock(main)


def test_closing_cancels_refreshes() -> None:
    async def main(now: list[float]) -> None:
        source = Source()
        cache = LoadingCache(10, source.load, ttl_s=10, beta=1e9)
        first = asyncio.ensure_future(cache.get("a"))
        await settle()
        now[0] = 1.0
        source.gates[0].set_result(1)
        await first
        await cache.get("a")
        await settle()
        await cache.aclose()
        assert source.gates[1].cancelled()
        assert len(asyncio.all_tasks()) == 1

    on_a_clock(main)


def test_bad_input_is_refused() -> None:
    async def load(key: str) -> int:
        return 1

    for wrong in ({"ttl_s": 0}, {"ttl_s": 1, "beta": -1}, {"ttl_s": float("nan")}):
        with pytest.raises(ValueError, match=r"time to live|beta"):
            LoadingCache(1, load, **wrong)
