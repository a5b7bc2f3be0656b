"""Rate limits, breakers, retries and bulkheads: decisions and calls a second.

Calls are held to the best peer and to what one writes by hand; batches, which no peer takes, are shown beside them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from bench.harness import Row, Timed

REQUESTS = 30_000
CALLS = 20_000
RATE, BURST = 10, 20

LIMITERS = ("limits", "throttled-py")
CALLERS = ("aiobreaker", "purgatory", "tenacity")


def rows() -> Iterator[Row]:
    import numpy as np

    random = np.random.default_rng(1)
    times = np.sort(random.random(REQUESTS) * 100)
    for clients in (1_000, 100_000):
        keys = random.integers(0, clients, REQUESTS).astype(np.uint64)
        names = [f"client:{key}" for key in keys.tolist()]
        for name, batch, single, peer in (
            ("GCRA", "BatchGcra", "Gcra", "gcra"),
            ("token bucket", "BatchTokenBucket", "TokenBucket", "token_bucket"),
        ):
            batched = {
                "ours": lambda batch=batch, keys=keys: ours_batch(batch, keys, times),
                "ours, names for numbers": lambda batch=batch, names=names: ours_batch(batch, names, times),
            }
            called = {
                "ours": lambda single=single, names=names: ours_single(single, names),
                "ten lines of Python": lambda peer=peer, names=names: ten_lines(peer, names),
                "throttled-py": lambda peer=peer, names=names: throttled_py(peer, names),
                "limits, moving window": lambda names=names: limits_peer("MovingWindowRateLimiter", names),
            }
            yield Row(
                f"{name}: {REQUESTS:,} requests of {clients:,} clients, a call for each",
                called,
                unit="decisions/s",
                bar=1.0,
                packages=LIMITERS,
                note="the ten lines know no clock, no cost and no time to wait, and never forget a key",
            )
            yield Row(
                f"{name}: {REQUESTS:,} requests of {clients:,} clients, one batch against calls",
                batched | {who: call for who, call in called.items() if who != "ours"},
                unit="decisions/s",
                packages=LIMITERS,
                note="no peer takes a batch",
            )
    names = [f"client:{key}" for key in random.integers(0, 1_000, REQUESTS).tolist()]
    yield Row(
        "sliding window counter, one request at a time, 1,000 clients",
        {
            "ours": lambda: ours_single("SlidingCounter", names),
            "throttled-py": lambda: throttled_py("sliding_window", names),
            "limits": lambda: limits_peer("SlidingWindowCounterRateLimiter", names),
        },
        unit="decisions/s",
        packages=LIMITERS,
    )
    yield Row(
        "circuit breaker: a call that succeeds",
        {"ours": ours_breaker, "purgatory": purgatory, "aiobreaker": aiobreaker, "no breaker": nothing_around},
        unit="calls/s",
        against="purgatory",
        packages=CALLERS,
    )
    yield Row(
        "retry: a call that succeeds at once",
        {"ours": ours_retry, "tenacity": tenacity},
        unit="calls/s",
        packages=CALLERS,
    )
    yield Row(
        "bulkhead: a call that need not wait",
        {"ours": ours_bulkhead, "asyncio.Semaphore": semaphore},
        unit="calls/s",
        note="the semaphore has no queue limit, no time limit and no refusal",
    )
    yield Row(
        "hedge: a call that is answered in time",
        {"ours": ours_hedge, "asyncio.wait_for": wait_for},
        unit="calls/s",
        note="wait_for cannot ask again",
    )


# Rate limits


def ours_batch(kind: str, keys: Any, times: Any) -> Timed:
    from windtunnel.blocks.resilience import rate_limit_batch

    limiter = getattr(rate_limit_batch, kind)(RATE, BURST)
    start = 0.0

    def run() -> int:
        nonlocal start
        limiter.decide(keys, times + start)
        start += 100.0
        return len(keys)

    return run


def ours_single(kind: str, names: list[str]) -> Timed:
    from windtunnel.blocks.resilience import rate_limit

    limiter = getattr(rate_limit, kind)(RATE, BURST if kind in ("Gcra", "TokenBucket") else 1.0)

    def run() -> int:
        take = limiter.take
        for name in names:
            take(name)
        return len(names)

    return run


def ten_lines(kind: str, names: list[str]) -> Timed:
    """What one writes who needs no more."""
    next_free: dict[str, float] = {}
    tokens: dict[str, tuple[float, float]] = {}
    clock = time.monotonic

    def gcra(name: str) -> bool:
        now = clock()
        free = max(next_free.get(name, 0.0), now) + 1 / RATE
        if free - now > BURST / RATE:
            return False
        next_free[name] = free
        return True

    def token_bucket(name: str) -> bool:
        now = clock()
        left, then = tokens.get(name, (BURST, now))
        left = min(BURST, left + (now - then) * RATE)
        tokens[name] = (left - 1, now) if left >= 1 else (left, now)
        return left >= 1

    take = gcra if kind == "gcra" else token_bucket

    def run() -> int:
        for name in names:
            take(name)
        return len(names)

    return run


def throttled_py(kind: str, names: list[str]) -> Timed:
    import throttled

    limiter = throttled.Throttled(
        using=kind, quota=throttled.rate_limiter.per_sec(RATE, burst=BURST), store=throttled.MemoryStore()
    )

    def run() -> int:
        for name in names:
            limiter.limit(name)
        return len(names)

    return run


def limits_peer(kind: str, names: list[str]) -> Timed:
    import limits
    import limits.storage
    import limits.strategies

    limiter = getattr(limits.strategies, kind)(limits.storage.MemoryStorage())
    item = limits.RateLimitItemPerSecond(RATE)

    def run() -> int:
        for name in names:
            limiter.hit(item, name)
        return len(names)

    return run


# Calls


async def answer() -> int:
    return 1


def calls(make: Callable[[], Callable[[], Awaitable[object]]]) -> Timed:
    async def main() -> None:
        call = make()
        for _ in range(CALLS):
            await call()

    def run() -> int:
        asyncio.run(main())
        return CALLS

    return run


def nothing_around() -> Timed:
    return calls(lambda: answer)


def ours_breaker() -> Timed:
    from windtunnel.blocks.resilience import CircuitBreaker

    return calls(lambda: CircuitBreaker()(answer))


def purgatory() -> Timed:
    from purgatory import AsyncCircuitBreakerFactory

    def make() -> Callable[[], Awaitable[object]]:
        factory = AsyncCircuitBreakerFactory()

        async def call() -> int:
            async with await factory.get_breaker("x"):
                return await answer()

        return call

    return calls(make)


def aiobreaker() -> Timed:
    import aiobreaker

    return calls(lambda: aiobreaker.CircuitBreaker()(answer))


def ours_retry() -> Timed:
    from windtunnel.blocks.resilience import Retry

    return calls(lambda: Retry(3)(answer))


def tenacity() -> Timed:
    import tenacity

    return calls(
        lambda: tenacity.retry(stop=tenacity.stop_after_attempt(3), wait=tenacity.wait_random_exponential(0.1))(answer)
    )


def ours_bulkhead() -> Timed:
    from windtunnel.blocks.resilience import Bulkhead

    return calls(lambda: Bulkhead(10)(answer))


def semaphore() -> Timed:
    def make() -> Callable[[], Awaitable[object]]:
        places = asyncio.Semaphore(10)

        async def call() -> int:
            async with places:
                return await answer()

        return call

    return calls(make)


def ours_hedge() -> Timed:
    from windtunnel.blocks.resilience import Hedge

    return calls(lambda: Hedge(0.01)(answer))


def wait_for() -> Timed:
    def make() -> Callable[[], Awaitable[object]]:
        async def call() -> int:
            return await asyncio.wait_for(asyncio.ensure_future(answer()), 0.01)

        return call

    return calls(make)
