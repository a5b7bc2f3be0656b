"""The resilience blocks on real asyncio and in the tunnel: one module, both loops.

Durations are in units of `U` seconds, short enough for a real loop. Where a test needs that something has *not*
happened yet, the time until it would is made so long that no slow machine reaches it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import pytest

from helpers.clocked import run_real, run_virtual
from windtunnel.blocks.resilience.adaptive_limit import AdaptiveLimiter, Aimd, FixedLimit, LimitExceeded
from windtunnel.blocks.resilience.bulkhead import Bulkhead, BulkheadFull
from windtunnel.blocks.resilience.circuit_breaker import CircuitBreaker, CircuitOpen, State
from windtunnel.blocks.resilience.codel import CoDelQueue
from windtunnel.blocks.resilience.deadline import Deadline, DeadlineExceeded, check_deadline, remaining_s
from windtunnel.blocks.resilience.hedge import Hedge, Quantile
from windtunnel.blocks.resilience.load_shedder import LoadShedder, Shed
from windtunnel.blocks.resilience.rate_limit import (
    FixedWindow,
    Gcra,
    RateLimited,
    RateLimiter,
    SlidingCounter,
    SlidingLog,
    TokenBucket,
)
from windtunnel.blocks.resilience.retry import Budget, Retry, exponential, no_wait

U = 0.002
LONG = 1e4

Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=["real", "tunnel"])
def clocked_run(request: pytest.FixtureRequest) -> Run:
    return run_real if request.param == "real" else run_virtual


class Dependency:
    """Answers, fails, or takes its time, as told, and counts."""

    def __init__(self, *plan: float | Exception) -> None:
        self.plan = list(plan)
        self.calls = 0
        self.running = 0
        self.most_running = 0
        self.cancelled = 0
        self.called = asyncio.Event()

    async def has_been_called(self, times: int) -> None:
        while self.calls < times:
            self.called.clear()
            await self.called.wait()

    async def __call__(self) -> int:
        self.calls += 1
        self.called.set()
        number = self.calls
        step = self.plan[min(number, len(self.plan)) - 1] if self.plan else 0.0
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            if isinstance(step, Exception):
                raise step
            await asyncio.sleep(step)
            return number
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1


# Deadlines


def test_work_past_its_deadline_is_cancelled(clocked_run: Run) -> None:
    async def main() -> None:
        slow = Dependency(LONG)
        with pytest.raises(DeadlineExceeded, match="within"):
            async with Deadline(U):
                await slow()
        assert slow.cancelled == 1
        assert remaining_s() is None
        async with Deadline(LONG):
            assert await Dependency()() == 1

    clocked_run(main())


def test_an_inner_deadline_can_only_be_earlier(clocked_run: Run) -> None:
    async def main() -> None:
        async with Deadline(100), Deadline(LONG):
            left = remaining_s()
            assert left is not None
            assert left <= 100
        outer = Deadline(U)
        with pytest.raises(DeadlineExceeded, match=f"within {U}"):
            async with outer, Deadline(LONG):
                await asyncio.sleep(LONG)

    clocked_run(main())


def test_a_deadline_reaches_the_tasks_that_are_started_within(clocked_run: Run) -> None:
    async def left() -> float | None:
        return remaining_s()

    async def main() -> None:
        async with Deadline(LONG):
            inside = asyncio.create_task(left())
            assert (await inside or 0) > 0
        assert await asyncio.create_task(left()) is None

    clocked_run(main())


def test_a_task_that_outlives_its_caller_still_ends_by_the_deadline_it_inherited(clocked_run: Run) -> None:
    async def background(own_s: float | None) -> None:
        async with Deadline(own_s):
            await asyncio.sleep(LONG)

    async def main() -> None:
        async with Deadline(U):
            left_behind = [asyncio.create_task(background(own_s)) for own_s in (LONG, None)]
            await asyncio.sleep(0)
        for task in left_behind:
            with pytest.raises(DeadlineExceeded, match="has passed"):
                await task
        assert remaining_s() is None

    clocked_run(main())


def test_work_whose_deadline_has_passed_is_not_begun(clocked_run: Run) -> None:
    async def main() -> None:
        check_deadline()
        with pytest.raises(DeadlineExceeded):
            async with Deadline(0):
                check_deadline()

    clocked_run(main())


def test_a_deadline_decorates_each_call_anew(clocked_run: Run) -> None:
    slow = Dependency(LONG, 0.0)

    @Deadline(1.0)
    async def ask() -> int:
        return await slow()

    async def main() -> None:
        with pytest.raises(DeadlineExceeded):
            await asyncio.wait_for(ask(), None)
        assert await ask() == 2

    clocked_run(main())


# Retry


def test_retry_tries_again_until_it_succeeds(clocked_run: Run) -> None:
    async def main() -> None:
        shaky = Dependency(ConnectionError("1"), TimeoutError("2"), 0.0)
        assert await Retry(3, exponential(U)).call(shaky) == 3
        decorated = Retry(2, exponential(U))(Dependency(ConnectionError(), 0.0).__call__)
        assert await decorated() == 2

    clocked_run(main())


def test_retry_gives_up_with_the_last_error(clocked_run: Run) -> None:
    async def main() -> None:
        broken = Dependency(ConnectionError("first"), ConnectionError("second"))
        with pytest.raises(ConnectionError, match="second"):
            await Retry(2, no_wait()).call(broken)
        assert broken.calls == 2

    clocked_run(main())


def test_retry_leaves_errors_alone_that_it_was_not_given(clocked_run: Run) -> None:
    async def main() -> None:
        broken = Dependency(ValueError("a mistake"))
        with pytest.raises(ValueError, match="a mistake"):
            await Retry(5, no_wait()).call(broken)
        assert broken.calls == 1
        refused = Dependency(ValueError("503"), ValueError("400"))
        with pytest.raises(ValueError, match="400"):
            await Retry(5, no_wait(), on=lambda error: "503" in str(error)).call(refused)

    clocked_run(main())


def test_retry_as_a_loop(clocked_run: Run) -> None:
    async def main() -> None:
        shaky, seen = Dependency(ConnectionError(), ConnectionError(), 0.0), []
        async for attempt in Retry(5, exponential(U)):
            with attempt:
                seen.append(attempt.number)
                assert await shaky() == 3
        assert seen == [0, 1, 2]
        with pytest.raises(ConnectionError):
            async for attempt in Retry(2, no_wait()):
                with attempt:
                    raise ConnectionError

    clocked_run(main())


def test_retry_does_not_wait_beyond_the_deadline(clocked_run: Run) -> None:
    async def main() -> None:
        broken = Dependency(ConnectionError())
        with pytest.raises(ConnectionError):
            async with Deadline(100):
                await Retry(5, exponential(LONG, LONG)).call(broken)
        assert broken.calls == 1

    clocked_run(main())


def test_cancelling_a_retry_ends_it(clocked_run: Run) -> None:
    async def main() -> None:
        task = asyncio.create_task(Retry(9, exponential(LONG, LONG)).call(Dependency(ConnectionError())))
        await asyncio.sleep(U)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    clocked_run(main())


def test_a_budget_keeps_retries_a_small_part_of_the_calls(clocked_run: Run) -> None:
    async def main() -> None:
        broken = Dependency(ConnectionError())
        retry = Retry(4, no_wait(), budget=Budget(ratio=0.1, burst=10))
        for _ in range(500):
            with pytest.raises(ConnectionError):
                await retry.call(broken)
        assert 500 + 50 <= broken.calls <= 500 + 60

    clocked_run(main())


# Circuit breaker


def tripped(**settings: Any) -> CircuitBreaker:
    return CircuitBreaker(**{"volume_threshold": 4, "sleep_window_s": 10 * U, **settings})


async def trip(breaker: CircuitBreaker) -> None:
    for _ in range(4):
        with pytest.raises(ConnectionError):
            await breaker.call(Dependency(ConnectionError()))


def test_an_open_circuit_lets_nothing_through_and_then_one_probe(clocked_run: Run) -> None:
    async def main() -> None:
        changes: list[tuple[State, State]] = []
        breaker = tripped(on_change=lambda old, new: changes.append((old, new)))
        await trip(breaker)
        assert breaker.state is State.OPEN
        await asyncio.sleep(12 * U)
        slow = Dependency(4 * U)
        probe = asyncio.create_task(breaker.call(slow))
        await asyncio.sleep(0)
        for _ in range(5):
            with pytest.raises(CircuitOpen):
                await breaker.call(slow)
        assert breaker.state is State.HALF_OPEN
        await probe
        assert slow.calls == 1
        assert breaker.state is State.CLOSED
        await asyncio.gather(*(breaker.call(slow) for _ in range(5)))
        assert slow.calls == 6
        closed, open_, half = State.CLOSED, State.OPEN, State.HALF_OPEN
        assert changes == [(closed, open_), (open_, half), (half, closed)]

    clocked_run(main())


def test_while_open_the_dependency_is_not_called(clocked_run: Run) -> None:
    async def main() -> None:
        breaker = tripped(sleep_window_s=LONG)
        await trip(breaker)
        dependency = Dependency()
        with pytest.raises(CircuitOpen, match="try again in") as refused:
            await breaker.call(dependency)
        assert refused.value.retry_after_s > LONG / 2
        with pytest.raises(CircuitOpen):
            async with breaker:
                await dependency()
        assert dependency.calls == 0

    clocked_run(main())


def test_a_probe_that_fails_opens_the_circuit_for_another_sleep_window(clocked_run: Run) -> None:
    async def main() -> None:
        breaker = tripped()
        await trip(breaker)
        await asyncio.sleep(12 * U)
        with pytest.raises(ConnectionError):
            await breaker.call(Dependency(ConnectionError()))
        assert breaker.state is State.OPEN

    clocked_run(main())


def test_a_probe_that_is_cancelled_makes_way_for_the_next(clocked_run: Run) -> None:
    async def main() -> None:
        breaker = tripped()
        await trip(breaker)
        await asyncio.sleep(12 * U)
        probe = asyncio.create_task(breaker.call(Dependency(LONG)))
        await asyncio.sleep(0)
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        assert await breaker.call(Dependency()) == 1
        assert breaker.state is State.CLOSED

    clocked_run(main())


def test_a_call_from_before_the_circuit_opened_does_not_decide_for_the_probe(clocked_run: Run) -> None:
    async def main() -> None:
        breaker = tripped()
        old = asyncio.create_task(breaker.call(Dependency(20 * U)))
        await asyncio.sleep(0)
        await trip(breaker)
        await asyncio.sleep(12 * U)
        probe = asyncio.create_task(breaker.call(Dependency(LONG)))
        await asyncio.sleep(0)
        await old
        assert breaker.state is State.HALF_OPEN
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe

    clocked_run(main())


def test_errors_that_are_the_callers_own_open_nothing(clocked_run: Run) -> None:
    async def main() -> None:
        breaker = tripped(failures=ConnectionError, volume_threshold=2)
        for _ in range(50):
            with pytest.raises(ValueError, match="mine"):
                await breaker.call(Dependency(ValueError("mine")))
        assert breaker.state is State.CLOSED

    clocked_run(main())


def test_a_breaker_as_context_manager_and_as_decorator(clocked_run: Run) -> None:
    async def main() -> None:
        breaker = CircuitBreaker(volume_threshold=5)

        @breaker
        async def ask() -> None:
            raise ConnectionError

        with pytest.raises(ConnectionError):
            await ask()
        for _ in range(2):
            with pytest.raises(ConnectionError):
                async with breaker:
                    async with breaker:  # the same task may enter twice
                        pass
                    raise ConnectionError
        assert breaker.state is State.OPEN

    clocked_run(main())


# Bulkhead


def test_a_bulkhead_holds_its_limit_and_serves_all_in_turn(clocked_run: Run) -> None:
    async def main() -> None:
        bulkhead, dependency = Bulkhead(3, queue_limit=100), Dependency(U)
        results = await asyncio.gather(*(bulkhead(dependency.__call__)() for _ in range(20)))
        assert results == list(range(1, 21)), "first come, first served"
        assert dependency.most_running == 3
        assert bulkhead.in_flight == bulkhead.waiting == 0

    clocked_run(main())


def test_a_full_bulkhead_refuses_at_once(clocked_run: Run) -> None:
    async def main() -> None:
        bulkhead = Bulkhead(1, queue_limit=1)
        async with bulkhead:
            waiting = asyncio.create_task(bulkhead(Dependency().__call__)())
            await asyncio.sleep(0)
            with pytest.raises(BulkheadFull, match="1 calls are in progress and 1 are waiting"):
                async with bulkhead:
                    pass
        assert await waiting == 1

    clocked_run(main())


def test_who_waits_too_long_at_a_bulkhead_leaves_the_queue(clocked_run: Run) -> None:
    async def main() -> None:
        bulkhead = Bulkhead(1, queue_limit=1, wait_s=U)
        async with bulkhead:
            for _ in range(3):
                with pytest.raises(BulkheadFull, match="Waited"):
                    async with bulkhead:
                        pass
            assert bulkhead.waiting == 0
        assert bulkhead.in_flight == 0

    clocked_run(main())


def test_no_place_is_lost_to_a_cancelled_waiter(clocked_run: Run) -> None:
    async def main() -> None:
        bulkhead = Bulkhead(1, queue_limit=9)
        await bulkhead.__aenter__()
        tasks = [asyncio.create_task(bulkhead(Dependency(U).__call__)()) for _ in range(3)]
        await asyncio.sleep(0)
        await bulkhead.__aexit__(None, None, None)  # the place goes to the first,
        tasks[0].cancel()  # who is cancelled before it can tell
        tasks[1].cancel()
        await asyncio.wait(tasks)
        assert [task.cancelled() for task in tasks] == [True, True, False]
        assert bulkhead.in_flight == 0

    clocked_run(main())


# Hedge


def test_an_answer_in_time_is_asked_for_once(clocked_run: Run) -> None:
    async def main() -> None:
        dependency = Dependency(0.0)
        hedge = Hedge(LONG)
        assert await hedge.call(dependency) == 1
        assert (dependency.calls, hedge.hedged) == (1, 0)

    clocked_run(main())


def test_the_first_answer_wins_and_the_loser_is_cancelled(clocked_run: Run) -> None:
    async def main() -> None:
        dependency = Dependency(LONG, 0.0)
        assert await Hedge(U)(dependency.__call__)() == 2
        assert (dependency.calls, dependency.cancelled, dependency.running) == (2, 1, 0)

    clocked_run(main())


def test_a_failed_call_is_hedged_at_once_and_errors_do_not_win(clocked_run: Run) -> None:
    async def main() -> None:
        dependency = Dependency(ConnectionError("first"), 0.0)
        assert await Hedge(LONG).call(dependency) == 2
        broken = Dependency(ConnectionError("first"), ConnectionError("second"))
        with pytest.raises(ConnectionError, match="first"):
            await Hedge(LONG).call(broken)
        assert broken.calls == 2

    clocked_run(main())


def test_cancelling_a_hedged_call_cancels_all_of_it(clocked_run: Run) -> None:
    async def main() -> None:
        dependency = Dependency(LONG)
        task = asyncio.create_task(Hedge(U, extra=2).call(dependency))
        await dependency.has_been_called(3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (dependency.cancelled, dependency.running) == (3, 0)

    clocked_run(main())


def test_a_hedge_without_budget_waits_for_the_first_answer(clocked_run: Run) -> None:
    async def main() -> None:
        hedge = Hedge(0, budget=Budget(ratio=0, burst=2))
        dependency = Dependency(2 * U)
        for _ in range(5):
            await hedge.call(dependency)
        assert (hedge.calls, hedge.hedged, dependency.calls) == (5, 2, 7)

    clocked_run(main())


def test_a_hedge_learns_its_delay_from_the_latencies(clocked_run: Run) -> None:
    async def main() -> None:
        delay = Quantile(0.9, first_s=LONG, window=20)
        hedge = Hedge(delay)
        for _ in range(20):
            await hedge.call(Dependency(0.0))
        assert delay() < LONG / 2
        assert await hedge.call(Dependency(LONG, 0.0)) == 2

    clocked_run(main())


# Rate limits, adaptive limits, queues


def test_a_rate_limiter_refuses_as_context_manager_and_decorator(clocked_run: Run) -> None:
    async def main() -> None:
        limiter = SlidingLog(2, LONG)
        ask = limiter(Dependency().__call__)
        await ask()
        async with limiter:
            pass
        with pytest.raises(RateLimited, match="Too many") as refused:
            await ask()
        assert refused.value.retry_after_s > 0

    clocked_run(main())


@pytest.mark.parametrize(
    ("limiter", "least_s"),
    [
        (Gcra(rate_per_s=1 / U, burst=2), 8 * U),
        (TokenBucket(rate_per_s=1 / U, burst=2), 8 * U),
        (SlidingLog(2, 2 * U), 8 * U),
        (SlidingCounter(2, 2 * U), 6 * U),
        (FixedWindow(2, 2 * U), 6 * U),
    ],
    ids=lambda value: type(value).__name__,
)
def test_waiting_for_a_rate_limiter_lets_everyone_through_in_the_end(
    clocked_run: Run, limiter: RateLimiter[Any], least_s: float
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        start, key = loop.time(), object()
        await asyncio.gather(*(limiter.wait(key) for _ in range(10)))
        assert loop.time() - start >= least_s - 1e-4
        with pytest.raises(DeadlineExceeded):
            async with Deadline(100):
                slow = Gcra(rate_per_s=1 / LONG, burst=1)
                await slow.wait()
                await slow.wait()

    clocked_run(main())


def test_an_adaptive_limiter_refuses_above_its_limit_and_learns(clocked_run: Run) -> None:
    async def main() -> None:
        limiter = AdaptiveLimiter(FixedLimit(2))
        async with limiter, limiter:
            with pytest.raises(LimitExceeded, match="2 calls"):
                async with limiter:
                    pass
        assert limiter.in_flight == 0
        law = Aimd(initial=10)
        ask = AdaptiveLimiter(law)(Dependency(TimeoutError(), ValueError("mine"), 0.0).__call__)
        with pytest.raises(TimeoutError):
            await ask()
        assert law.limit == 9
        with pytest.raises(ValueError, match="mine"):
            await ask()
        assert law.limit == 9, "an error that is no sign of overload teaches nothing"

    clocked_run(main())


def test_a_load_shedder_serves_in_order_while_there_is_no_overload(clocked_run: Run) -> None:
    async def main() -> None:
        shedder, dependency = LoadShedder(2, interval_s=LONG), Dependency(U)
        ask = shedder(dependency.__call__)
        assert await asyncio.gather(*(ask() for _ in range(9))) == list(range(1, 10))
        assert dependency.most_running == 2
        assert shedder.in_flight == shedder.waiting == shedder.shed == 0

    clocked_run(main())


def test_a_load_shedder_refuses_those_who_have_waited_too_long(clocked_run: Run) -> None:
    async def main() -> None:
        shedder = LoadShedder(1, target_s=U, interval_s=2 * U)
        async with shedder:
            with pytest.raises(Shed, match="No turn"):
                async with shedder:
                    pass
        async with shedder:
            pass
        assert (shedder.in_flight, shedder.shed) == (0, 1)

    clocked_run(main())


def test_no_place_in_a_load_shedder_is_lost_to_a_cancelled_waiter(clocked_run: Run) -> None:
    async def main() -> None:
        shedder = LoadShedder(1, interval_s=LONG)
        await shedder.__aenter__()
        tasks = [asyncio.create_task(shedder(Dependency(U).__call__)()) for _ in range(3)]
        await asyncio.sleep(0)
        await shedder.__aexit__(None, None, None)
        tasks[0].cancel()
        tasks[1].cancel()
        await asyncio.wait(tasks)
        assert [task.cancelled() for task in tasks] == [True, True, False]
        assert shedder.in_flight == shedder.waiting == 0

    clocked_run(main())


def test_a_codel_queue_delivers_in_order_and_wakes_those_who_wait(clocked_run: Run) -> None:
    async def main() -> None:
        queue: CoDelQueue[int] = CoDelQueue(target_s=LONG, interval_s=2 * LONG)
        getters = [asyncio.create_task(queue.get()) for _ in range(3)]
        await asyncio.sleep(0)
        queue.put(1)
        getters[0].cancel()  # woken and cancelled at once: the item is for the next
        queue.put(2)
        assert sorted(await asyncio.gather(*getters[1:])) == [1, 2]
        queue.put(3)
        assert await queue.get() == 3
        assert len(queue) == queue.dropped == 0

    clocked_run(main())


# Whatever is cancelled, and whenever


async def stormed(guarded: Callable[[], Coroutine[Any, Any, object]], seed: int, calls: int = 150) -> None:
    """Many calls that begin, and are cancelled, at random moments, some at once and some in the same instant."""
    luck = Random(seed)

    async def later(task: asyncio.Task[object]) -> None:
        for _ in range(luck.randrange(4)):
            await asyncio.sleep(0)
        if luck.random() < 0.5:
            await asyncio.sleep(luck.choice([0.0, U / 2, U, U]))
        task.cancel()

    tasks: list[asyncio.Task[object]] = []
    cancellers = []
    for _ in range(calls):
        tasks.append(asyncio.ensure_future(guarded()))
        if luck.random() < 0.6:
            cancellers.append(asyncio.ensure_future(later(tasks[-1])))
        if luck.random() < 0.1:
            await asyncio.sleep(luck.choice([0.0, U / 2]))
    await asyncio.gather(*tasks, *cancellers, return_exceptions=True)


def fickle(seed: int) -> Callable[[], Coroutine[Any, Any, int]]:
    """A dependency that takes its time, fails, or cancels itself, by lot."""
    luck = Random(seed)

    async def ask() -> int:
        fate = luck.random()
        if fate < 0.7:
            await asyncio.sleep(luck.choice([0.0, U / 4, U / 2]))
        if fate > 0.8:
            raise ConnectionError
        if fate > 0.75:
            raise asyncio.CancelledError
        return 1

    return ask


@pytest.mark.parametrize("seed", range(4))
def test_no_place_leaks_whatever_is_cancelled_when(clocked_run: Run, seed: int) -> None:
    async def main() -> None:
        bulkhead = Bulkhead(3, queue_limit=20, wait_s=U)
        shedder = LoadShedder(3, target_s=U / 2, interval_s=U, queue_limit=20)
        limiter = AdaptiveLimiter(Aimd(initial=5))
        for block in (bulkhead, shedder, limiter):
            await stormed(block(fickle(seed)), seed)
            assert block.in_flight == 0
            async with block:
                assert block.in_flight == 1
            assert block.in_flight == 0
        assert bulkhead.waiting == shedder.waiting == 0

    clocked_run(main())


@pytest.mark.parametrize("seed", range(4))
def test_no_probe_is_lost_whatever_is_cancelled_when(clocked_run: Run, seed: int) -> None:
    async def main() -> None:
        breaker = CircuitBreaker(volume_threshold=3, error_rate=0.2, sleep_window_s=U / 4, window_s=LONG)
        entered = CircuitBreaker(volume_threshold=3, error_rate=0.2, sleep_window_s=U / 4, window_s=LONG)

        ask = fickle(seed)

        async def inside() -> int:
            async with entered:
                return await ask()

        for block, guarded in ((breaker, breaker(fickle(seed))), (entered, inside)):
            await stormed(guarded, seed)
            assert block.state is not State.HALF_OPEN
            await asyncio.sleep(U)
            assert await block.call(Dependency()) == 1
            assert block.state is not State.HALF_OPEN
        assert len(entered._inside) == 0

    clocked_run(main())


@pytest.mark.parametrize("seed", range(4))
def test_no_task_is_left_behind_whatever_is_cancelled_when(clocked_run: Run, seed: int) -> None:
    async def main() -> None:
        running = 0
        ask = fickle(seed)

        async def counted() -> int:
            nonlocal running
            running += 1
            try:
                return await ask()
            finally:
                running -= 1

        hedge = Hedge(U / 8, extra=2, budget=Budget(ratio=1.0))
        retry = Retry(4, exponential(U / 8, U / 4), budget=Budget(ratio=1.0))
        for guarded in (hedge(counted), retry(counted), Deadline(U / 2)(hedge(retry(counted)))):
            await stormed(guarded, seed)
            assert running == 0
            assert asyncio.all_tasks() == {asyncio.current_task()}

    clocked_run(main())
