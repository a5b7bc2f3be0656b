"""Plain and asyncio forms, generators, hooks that raise, abandoned streams, probes that hang, errors that mislead."""

from __future__ import annotations

import asyncio
import copy
import gc
import math
import pickle
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
import pytest

from helpers.clocked import run_real, run_virtual
from windtunnel.blocks.ground.errors import Refused
from windtunnel.blocks.resilience.adaptive_limit import AdaptiveLimiter, FixedLimit
from windtunnel.blocks.resilience.bulkhead import Bulkhead
from windtunnel.blocks.resilience.circuit_breaker import CircuitBreaker, CircuitOpen, State
from windtunnel.blocks.resilience.deadline import Deadline, grpc_timeout, remaining_s
from windtunnel.blocks.resilience.guard import Caller, Guard
from windtunnel.blocks.resilience.hedge import Hedge
from windtunnel.blocks.resilience.load_shedder import ClientThrottle, LoadShedder
from windtunnel.blocks.resilience.rate_limit import FixedWindow, Gcra, RateLimited, SlidingCounter, TokenBucket
from windtunnel.blocks.resilience.rate_limit_batch import BatchGcra, BatchTokenBucket
from windtunnel.blocks.resilience.retry import Retry, certainly_not_done, full_jitter, no_wait

GUARDS: dict[str, Callable[[], Guard]] = {
    "breaker": lambda: CircuitBreaker(volume_threshold=1, sleep_window_s=1e6),
    "bulkhead": lambda: Bulkhead(1),
    "adaptive": lambda: AdaptiveLimiter(FixedLimit(1)),
    "shedder": lambda: LoadShedder(1),
    "throttle": ClientThrottle,
    "bucket": lambda: TokenBucket(1e-6, 1),
    "keyed": lambda: Gcra(1e-6, 1).on("alice"),
}
PLAIN = [name for name in GUARDS if name != "shedder"]


def plain() -> str:
    return "plain"


async def waiting() -> str:
    await asyncio.sleep(0)
    return "awaited"


@pytest.mark.parametrize("make", [*(GUARDS[name] for name in PLAIN), lambda: Retry(2)], ids=[*PLAIN, "retry"])
def test_a_plain_function_works_in_each_form_and_is_not_awaited(make: Callable[[], Caller]) -> None:
    async def main() -> None:
        assert await make().call(plain) == "plain"  # type: ignore[arg-type]
        assert await make()(waiting)() == "awaited"

    run_virtual(main())
    assert make().run(plain) == "plain"
    assert make()(plain)() == "plain"
    with pytest.raises(TypeError, match="something to await"):
        make().run(waiting)


@pytest.mark.parametrize("block", [LoadShedder(1), Deadline(1), Hedge(1)], ids=["shedder", "deadline", "hedge"])
def test_what_has_to_wait_or_cancel_has_no_plain_form(block: Caller) -> None:
    with pytest.raises(TypeError, match=r"asyncio|async def"):
        block(plain)
    with pytest.raises(TypeError, match="asyncio"):
        block.run(plain)


@pytest.mark.parametrize("make", [*GUARDS.values(), lambda: Retry(2)])
def test_generators_are_refused_by_decorators(make: Callable[[], Caller]) -> None:
    def items() -> Iterator[int]:
        yield 1

    async def async_items() -> AsyncIterator[int]:
        yield 1

    for function in (items, async_items):
        with pytest.raises(TypeError, match="is a generator"):
            make()(function)


@pytest.mark.parametrize("name", ["breaker", "bulkhead", "adaptive", "bucket"])
def test_a_hook_that_raises_hears_of_each_refusal_and_harms_nothing(name: str, caplog: Any) -> None:
    heard: list[Refused] = []

    def hook(error: Refused) -> None:
        heard.append(error)
        raise RuntimeError("metrics are down")

    block: Any = {
        "breaker": lambda: CircuitBreaker(volume_threshold=1, sleep_window_s=1e6, on_reject=hook),
        "bulkhead": lambda: Bulkhead(1, on_reject=hook),
        "adaptive": lambda: AdaptiveLimiter(FixedLimit(1), on_reject=hook),
        "bucket": lambda: TokenBucket(1e-6, 1),
    }[name]()
    if name == "bucket":
        block.on_reject = hook

    async def main() -> None:
        if name == "breaker":
            with pytest.raises(ZeroDivisionError):
                await block.call(lambda: 1 / 0)
        async with AsyncExitStack() as stack:
            if name != "breaker":
                await stack.enter_async_context(block)
            for _ in range(3):
                with pytest.raises(Refused):
                    await block.call(plain)
        assert len(heard) == 3

    run_virtual(main())
    assert "metrics are down" in caplog.text


def test_a_hook_that_raises_leaves_no_circuit_half_open() -> None:
    def hook(old: State, new: State) -> None:
        raise RuntimeError

    async def main() -> None:
        breaker = CircuitBreaker(volume_threshold=1, sleep_window_s=1, on_change=hook)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await breaker.call(lambda: 1 / 0)
            await asyncio.sleep(1)
        assert await breaker.call(plain) == "plain"
        assert breaker.state is State.CLOSED

    run_virtual(main())


def test_a_probe_that_hangs_is_joined_by_another_after_a_while() -> None:
    async def main() -> None:
        breaker = CircuitBreaker(volume_threshold=1, sleep_window_s=5, probe_s=2)
        with pytest.raises(ZeroDivisionError):
            await breaker.call(lambda: 1 / 0)
        await asyncio.sleep(5)
        hangs = asyncio.create_task(breaker.call(asyncio.Event().wait))
        await asyncio.sleep(0.5)
        with pytest.raises(CircuitOpen) as refused:
            await breaker.call(plain)
        assert refused.value.retry_after_s == pytest.approx(1.5)
        await asyncio.sleep(1.5)
        assert await breaker.call(plain) == "plain"
        assert breaker.state is State.CLOSED
        hangs.cancel()
        await asyncio.wait([hangs])
        assert breaker.state is State.CLOSED

    run_virtual(main())


def test_two_streams_of_one_task_leave_as_what_they_came_in_as() -> None:
    async def main() -> None:
        breaker = CircuitBreaker(volume_threshold=1, sleep_window_s=1)

        async def stream() -> AsyncIterator[int]:
            async with breaker:
                yield 1

        old = stream()
        await anext(old)
        with pytest.raises(ZeroDivisionError):
            await breaker.call(lambda: 1 / 0)
        await asyncio.sleep(1)
        probe = stream()
        await anext(probe)
        assert [one async for one in old] == []
        assert breaker.state is State.HALF_OPEN, "a call from before says nothing of now"
        assert [one async for one in probe] == []
        assert breaker.state is State.CLOSED

    run_virtual(main())


@pytest.mark.parametrize("make", [*GUARDS.values(), lambda: Deadline(100)], ids=[*GUARDS, "deadline"])
def test_a_stream_that_was_abandoned_and_is_closed_elsewhere_gives_its_place_back(make: Callable[[], Any]) -> None:
    problems: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
        block = make()

        async def stream() -> AsyncIterator[int]:
            async with block:
                for number in range(9):
                    yield number

        async def client() -> None:
            async for _ in stream():
                break

        await asyncio.create_task(client())
        gc.collect()
        for _ in range(9):
            await asyncio.sleep(0)
        assert getattr(block, "in_flight", 0) == 0
        assert remaining_s() is None

    run_real(main())
    assert problems == []


def test_threads_share_a_plain_bulkhead() -> None:
    bulkhead, inside, most, passed = Bulkhead(3), 0, 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal inside, most, passed
        with lock:
            inside += 1
            most = max(most, inside)
        for _ in range(200):
            pass
        with lock:
            inside -= 1
            passed += 1

    def run() -> None:
        for _ in range(200):
            try:
                with bulkhead:
                    work()
            except Refused:
                pass

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most <= 3
    assert passed > 0
    assert bulkhead.in_flight == 0


# Retry


class Asking(ConnectionError):
    def __init__(self, retry_after_s: Any) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


@pytest.mark.parametrize(
    ("asked", "waits"),
    [(None, [0.0]), ("3", [0.0]), (math.nan, [0.0]), (-1, [0.0]), (True, [0.0]), (3, [3.0]), (math.inf, [])],
)
def test_a_wait_that_an_error_asks_for_is_a_number_or_nothing(asked: Any, waits: list[float]) -> None:
    def fail() -> None:
        raise Asking(asked)

    async def main() -> None:
        seen: list[float] = []

        def hook(error: Exception, wait_s: float) -> None:
            seen.append(wait_s)
            raise RuntimeError

        with pytest.raises(Asking):
            await Retry(2, no_wait(), on_retry=hook).call(fail)  # type: ignore[arg-type]
        assert seen == waits

    run_virtual(main())


def test_which_errors_are_tried_again_by_themselves() -> None:
    network = type("NetworkError", (Exception,), {"__module__": "httpx"})
    foreign = type("NetworkError", (Exception,), {"__module__": "elsewhere"})
    refused = Refused("no")

    def tries(error: Exception, **settings: Any) -> int:
        calls = 0

        def fail() -> None:
            nonlocal calls
            calls += 1
            raise error

        with pytest.raises(type(error)):
            Retry(2, no_wait(), **settings).run(fail)
        return calls

    assert [tries(error) for error in (ConnectionError(), TimeoutError(), network())] == [2, 2, 2]
    assert [tries(error) for error in (foreign(), refused, ValueError())] == [1, 1, 1]
    assert [tries(error, on=certainly_not_done) for error in (refused, ConnectionError())] == [2, 1]
    group, mixed = ExceptionGroup("", [ConnectionError()]), ExceptionGroup("", [ConnectionError(), ValueError()])
    assert [tries(error, on=ConnectionError) for error in (group, mixed)] == [2, 1]


def test_plain_rounds_of_a_retry() -> None:
    numbers = []
    for attempt in Retry(3, no_wait()):
        with attempt:
            numbers.append(attempt.number)
            if attempt.number < 2:
                raise ConnectionError
    assert numbers == [0, 1, 2]


def test_a_wait_without_end_is_none() -> None:
    with pytest.raises(ConnectionError):
        Retry(2, lambda retry, before_s, random: math.inf).run(lambda: (_ for _ in ()).throw(ConnectionError()))
    assert full_jitter(1, 60)(10**9, 0, __import__("random").Random(1)) <= 60


def test_a_call_of_a_hedge_that_was_cancelled_from_inside_has_failed_like_others() -> None:
    async def main() -> None:
        calls = 0

        async def ask() -> int:
            nonlocal calls
            calls += 1
            if calls == 1:
                task = asyncio.ensure_future(asyncio.sleep(9))
                await asyncio.sleep(0)
                task.cancel()
                await task
            return calls

        assert await Hedge(5).call(ask) == 2

    run_virtual(main())


def test_a_deadline_without_end_has_no_header() -> None:
    async def main() -> None:
        async with Deadline(math.inf):
            assert (grpc_timeout(), remaining_s()) == (None, None)
        async with Deadline(1e300):
            assert grpc_timeout() == "99999999S"

    run_virtual(main())


# Rate limits


@pytest.mark.parametrize("rate_per_s", [1e3, 1e6, 1e8, 1e10])
def test_high_rates_are_limited_at_the_hours_of_a_wall_clock(rate_per_s: float) -> None:
    gcra, bucket = Gcra(rate_per_s, 10), TokenBucket(rate_per_s, 10)
    luck = np.random.default_rng(1)
    times = 1.7e9 + np.cumsum(luck.exponential(1 / rate_per_s, 4000))
    plain = [gcra.take(at_s=float(now)).allowed for now in times]
    assert plain == [bucket.take(at_s=float(now)).allowed for now in times]
    keys = np.zeros(4000, np.int64)
    assert BatchGcra(rate_per_s, 10).decide(keys, times).tolist() == plain
    assert BatchTokenBucket(rate_per_s, 10).decide(keys, times).tolist() == plain
    at_once = sum(Gcra(rate_per_s, 10).take(at_s=1.7e9).allowed for _ in range(1))
    assert at_once == 1
    fresh = Gcra(rate_per_s, 10)
    passed = sum(fresh.take(at_s=1.7e9).allowed for _ in range(20_000))
    assert passed <= 10 + 1e-6 * rate_per_s + 1


@pytest.mark.parametrize("kind", [BatchGcra, BatchTokenBucket])
def test_idle_keys_of_a_batch_are_forgotten_and_active_ones_are_not(kind: Any) -> None:
    limiter, single = kind(1, 2), Gcra(1, 2)
    for second in range(0, 40, 4):
        keys = [*range(second * 1000, second * 1000 + 2000), *range(-5, 0)]
        decided = limiter.decide(keys, float(second)).tolist()
        assert decided == [single.take(key, at_s=float(second)).allowed for key in keys]
    assert limiter.tracked <= 4100
    assert "tracked" in repr(limiter)


@pytest.mark.parametrize("kind", [FixedWindow, SlidingCounter])
@pytest.mark.parametrize(("limit", "cost"), [(3, 0.1), (1, 0.1), (0.3, 0.1), (7, 0.7)])
def test_parts_of_a_limit_add_up_to_it(kind: Any, limit: float, cost: float) -> None:
    limiter = kind(limit, 60)
    decisions = [limiter.take(cost=cost, at_s=0) for _ in range(100)]
    assert sum(decision.allowed for decision in decisions) == round(limit / cost)
    assert min(decision.remaining for decision in decisions) == pytest.approx(0, abs=1e-9)


def test_a_limiter_is_entered_for_a_key() -> None:
    async def main() -> None:
        limiter = Gcra(1e-6, 2)
        async with limiter.on("alice"):
            pass
        with pytest.raises(RateLimited):
            async with limiter.on("alice", cost=2):
                pass
        async with limiter.on("bob", cost=2):
            pass

    run_virtual(main())


@pytest.mark.parametrize("kind", [TokenBucket, Gcra])
def test_those_who_wait_stand_in_a_line_and_only_the_first_looks(kind: Any) -> None:
    """Also where some give up, and where one wants more than the others: nobody is overtaken for ever."""

    async def main() -> None:
        limiter, looks, came = kind(100, 2), 0, list[int]()
        take = limiter.take

        def look(*args: Any, **how: Any) -> Any:
            nonlocal looks
            looks += 1
            return take(*args, **how)

        limiter.take = look

        async def wait(number: int) -> None:
            await limiter.wait("alice", 2 if number % 50 == 7 else 1)
            came.append(number)

        tasks = [asyncio.create_task(wait(number)) for number in range(300)]
        await asyncio.sleep(0.5)
        for number in (60, 61, 299, came[-1] + 1):  # the last of these is the first in the line
            tasks[number].cancel()
        await asyncio.wait(tasks)
        assert came == [number for number in range(300) if not tasks[number].cancelled()]
        assert len(came) == 296
        assert looks < 4 * 300
        assert len(limiter._lines) == 0

    run_virtual(main())


def test_a_line_of_a_loop_that_has_ended_holds_nobody_up() -> None:
    limiter = TokenBucket(1e6, 1)

    async def left() -> list[Any]:
        tasks = [asyncio.create_task(limiter.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        return tasks

    loop = asyncio.new_event_loop()
    tasks = loop.run_until_complete(left())
    for task in tasks:
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()

    async def main() -> None:
        await asyncio.gather(*(limiter.wait() for _ in range(3)))

    run_real(main())


# Copies and looks


@pytest.mark.parametrize("make", [*GUARDS.values(), lambda: Retry(2), lambda: Deadline(1), lambda: Hedge(1)])
def test_each_block_tells_what_it_is_and_is_copied_whole_or_not_at_all(make: Callable[[], Any]) -> None:
    block = make()
    assert type(block).__name__ in repr(block)
    assert " at 0x" not in repr(block)
    if isinstance(block, TokenBucket):
        block.take("a", at_s=5)
        for other in (copy.copy(block), copy.deepcopy(block), pickle.loads(pickle.dumps(block))):
            assert not other.take("a", at_s=5).allowed
            assert other.take("b", at_s=5).allowed
        assert block.tracked == 1
    else:
        for way in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="tied to what runs here"):
                way(block)
