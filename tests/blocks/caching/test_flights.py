"""Calls that are shared: what of the first caller reaches the others, and what would wait for itself."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar

import pytest

from windtunnel.blocks.caching import Cache, LoadingCache, SingleFlight, WaitsForItself, cached
from windtunnel.blocks.resilience import Deadline, DeadlineExceeded

tenant: ContextVar[str] = ContextVar("tenant", default="nobody")


def test_a_load_that_asks_for_its_own_key_is_an_error_for_all_who_wait() -> None:
    async def main() -> None:
        ring = {"a": "b", "b": "c", "c": "a", "self": "self", "d": "a", "e": "f", "f": "end", "end": ""}

        async def load(key: str) -> str:
            await asyncio.sleep(0)
            return key + await cache.get(ring[key]) if ring[key] else key

        async with LoadingCache(9, load, ttl_s=9) as cache:
            for keys in (["a"], ["self"], ["a", "b", "c"], ["d", "c"]):
                ended = await asyncio.wait_for(asyncio.gather(*map(cache.get, keys), return_exceptions=True), 5)
                assert all(isinstance(error, WaitsForItself) for error in ended), ended
            with pytest.raises(WaitsForItself, match="'self' -> 'self'"):
                await cache.get("self")
            assert await asyncio.gather(cache.get("e"), cache.get("f"), cache.get("end")) == ["efend", "fend", "end"]
            assert len(cache._flights) == 0

    asyncio.run(main())


def test_two_caches_that_ask_each_other_do_not_wait_for_ever() -> None:
    async def main() -> None:
        one: LoadingCache[int, int]
        two: LoadingCache[int, int]

        async def from_two(key: int) -> int:
            return await two.get(key)

        async def from_one(key: int) -> int:
            return 0 if key == 0 else await one.get(key)

        one, two = LoadingCache(9, from_two, ttl_s=9), LoadingCache(9, from_one, ttl_s=9)
        assert await one.get(0) == 0
        both = asyncio.gather(one.get(1), two.get(1), return_exceptions=True)
        assert {type(error) for error in await asyncio.wait_for(both, 5)} == {WaitsForItself}

    asyncio.run(main())


def test_a_cached_function_may_call_itself_for_other_arguments_only() -> None:
    @cached(Cache(99))
    async def fibonacci(n: int) -> int:
        if n < 0:
            return await fibonacci(n)
        return n if n < 2 else sum(await asyncio.gather(fibonacci(n - 1), fibonacci(n - 2)))

    async def main() -> None:
        assert await asyncio.wait_for(fibonacci(30), 5) == 832040
        with pytest.raises(WaitsForItself):
            await asyncio.wait_for(fibonacci(-1), 5)

    asyncio.run(main())


def test_nothing_of_the_first_caller_reaches_those_who_share_its_call() -> None:
    seen: list[str] = []

    async def load(key: str) -> int:
        seen.append(tenant.get())
        async with Deadline(5):
            for _ in range(5):
                await asyncio.sleep(0.02)
        return 1

    async def main() -> None:
        cache = LoadingCache(9, load, ttl_s=10)
        flights: SingleFlight[str, int] = SingleFlight()

        async def leader() -> list[int]:
            tenant.set("leader")
            async with Deadline(0.03):
                return await asyncio.gather(cache.get("k"), flights.do("k", lambda: load("k")))

        first = asyncio.ensure_future(leader())
        await asyncio.sleep(0.005)
        assert await asyncio.gather(cache.get("k"), flights.do("k", lambda: load("other"))) == [1, 1]
        with pytest.raises(DeadlineExceeded):
            await first

    asyncio.run(main())
    assert seen == ["nobody", "nobody"]


def test_the_only_caller_takes_its_deadline_with_it() -> None:
    ended: list[str] = []

    async def load(key: str) -> int:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return 1

    async def main() -> None:
        cache = LoadingCache(9, load, ttl_s=10)
        with pytest.raises(DeadlineExceeded):
            async with Deadline(0.01):
                await cache.get("k")
        await asyncio.sleep(0)

    asyncio.run(main())
    assert ended == ["cancelled"]


def test_a_call_that_was_cancelled_from_inside_is_an_error_and_not_our_cancellation() -> None:
    async def load(key: str) -> int:
        inner = asyncio.ensure_future(asyncio.sleep(60))
        await asyncio.sleep(0)
        inner.cancel()
        await inner
        return 1

    async def main() -> None:
        cache = LoadingCache(9, load, ttl_s=10)
        ended = await asyncio.gather(cache.get("k"), cache.get("k"), return_exceptions=True)
        assert [type(error) for error in ended] == [RuntimeError, RuntimeError]
        assert "cancelled from inside" in str(ended[0])

    asyncio.run(main())


def test_a_call_that_another_loop_left_behind_is_not_joined() -> None:
    flights: SingleFlight[str, int] = SingleFlight()

    async def forever() -> int:
        await asyncio.Event().wait()
        return 1

    async def answer() -> int:
        return 2

    loop = asyncio.new_event_loop()
    left = loop.create_task(flights.do("k", forever))
    loop.run_until_complete(asyncio.sleep(0.001))
    assert asyncio.run(asyncio.wait_for(flights.do("k", answer), 5)) == 2
    left.cancel()
    loop.run_until_complete(asyncio.gather(left, return_exceptions=True))
    loop.close()


def test_clearing_keeps_no_load_that_began_before() -> None:
    async def main() -> None:
        value = [1]

        async def load(key: str) -> int:
            found = value[0]
            await asyncio.sleep(0)
            return found

        cache = LoadingCache(9, load, ttl_s=10, beta=0)
        first = asyncio.ensure_future(cache.get("k"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        value[0] = 2
        cache.clear()
        assert (await cache.get("k"), await first, await cache.get("k")) == (2, 1, 2)

    asyncio.run(main())
