"""Virtual time, light processes, signals, and what the kernel says when something is wrong."""

from __future__ import annotations

import asyncio
import gc
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from windtunnel.sim.kernel import Crashed, Deadlock, Signal, Simulator, process
from windtunnel.sim.servers.fifo import FifoServer
from windtunnel.sim.trace import Trace


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator() as one:
        yield one


def test_sleeping_moves_the_clock_and_nothing_else_does(sim: Simulator) -> None:
    async def main() -> list[float]:
        seen = [sim.now]
        for _ in range(3):
            await sim.sleep(0.5)
            seen.append(sim.now)
        return seen

    assert sim.run_process(main()) == [0.0, 0.5, 1.0, 1.5]


def test_what_is_due_together_happens_in_the_order_in_which_it_was_scheduled(sim: Simulator) -> None:
    order: list[int] = []

    async def one(number: int) -> None:
        await sim.sleep(1.0)
        order.append(number)

    for number in range(5):
        sim.spawn(one(number))
    sim.call_at(1_000_000_000, order.append, 99)
    sim.run()
    assert order == [99, 0, 1, 2, 3, 4]  # the call was scheduled before the processes took their first step


def test_time_never_goes_back(sim: Simulator) -> None:
    sim.run(until=2.0)
    with pytest.raises(ValueError, match="only go forward"):
        sim.call_at(1, print)
    with pytest.raises(ValueError, match="only go forward"):
        sim.run(until=1.0)


def test_a_run_until_a_moment_stops_there_and_can_go_on(sim: Simulator) -> None:
    seen: list[float] = []

    async def tick() -> None:
        for _ in range(4):
            await sim.sleep(1.0)
            seen.append(sim.now)

    sim.spawn(tick())
    sim.run(until=2.5)
    assert (seen, sim.now) == ([1.0, 2.0], 2.5)
    sim.run()
    assert seen == [1.0, 2.0, 3.0, 4.0]


def test_a_signal_wakes_all_who_wait_and_keeps_its_first_value(sim: Simulator) -> None:
    bell: Signal[str] = sim.signal("bell")
    heard: list[str] = []

    async def listen() -> None:
        heard.append(await bell)

    for _ in range(3):
        sim.spawn(listen())
    sim.call_after(5, bell.set, "ding")
    sim.call_after(6, bell.set, "dong")
    sim.run()
    assert heard == ["ding"] * 3
    assert bell.result() == "ding"


def test_waiting_within_a_limit_says_whether_it_happened(sim: Simulator) -> None:
    bell: Signal[None] = sim.signal("bell")

    async def main() -> list[tuple[bool, float]]:
        first = await bell.within(1.0), sim.now
        sim.call_after(500_000_000, bell.set)
        second = await bell.within(1.0), sim.now
        third = await bell.within(1.0), sim.now
        return [first, second, third]

    assert sim.run_process(main()) == [(False, 1.0), (True, 1.5), (True, 1.5)]


def test_a_limit_that_has_passed_does_not_turn_the_clock_back(sim: Simulator) -> None:
    bell: Signal[None] = sim.signal("bell")

    async def main() -> tuple[bool, float]:
        await sim.sleep(1.0)
        return await bell.within(-0.5), sim.now

    assert sim.run_process(main()) == (False, 1.0)
    assert sim.run_until(sim.host("a").create_task(main())) == (False, 2.0)


def test_numpys_numbers_are_times_too_and_the_clock_stays_pythons(sim: Simulator) -> None:
    seen: list[Any] = []

    async def main() -> None:
        await sim.sleep_ns(np.int64(5))
        await sim.sleep(np.int64(1))
        await sim.sleep(np.float32(0.5))
        seen.append(sim.now_ns)
        await FifoServer(sim, "s").submit(np.int64(1))
        seen.append(sim.now_ns)
        with pytest.raises(ValueError, match="only go forward"):
            await sim.sleep_ns(np.int64(-1))

    sim.call_at(np.int64(3), lambda: seen.append(sim.now_ns))
    sim.spawn(main())
    sim.host("a").create_task(main())
    sim.run()
    assert seen == [3, 1_500_000_005, 1_500_000_005, 2_500_000_005, 2_500_000_005]
    assert {type(moment) for moment in seen} == {int}
    with pytest.raises(TypeError, match="integer"):
        sim.call_at(3e9, print)  # type: ignore[arg-type]  # on purpose


def test_a_limit_that_was_not_reached_wakes_nobody_later(sim: Simulator) -> None:
    bell: Signal[None] = sim.signal("bell")

    async def main() -> float:
        sim.call_after(1, bell.set)
        await bell.within(1.0)
        await sim.sleep(5.0)
        return sim.now

    assert sim.run_process(main()) == pytest.approx(5.0)


def test_a_signal_that_is_polled_for_ever_does_not_collect_its_pollers(sim: Simulator) -> None:
    stop: Signal[None] = sim.signal("stop")

    async def poll() -> None:
        for _ in range(1000):
            await stop.within(0.001)

    sim.run_process(poll())
    assert len(stop._waiters or []) < 100


def test_time_limits_that_are_not_reached_do_not_fill_the_heap(sim: Simulator) -> None:
    async def main() -> int:
        most = 0
        for _ in range(5000):
            answer: Signal[None] = sim.signal()
            sim.call_after(1000, answer.set)
            assert await answer.within(3600.0)
            most = max(most, len(sim._heap))
        return most

    assert sim.run_process(main()) < 2000


def test_a_process_is_cancelled_where_it_waits(sim: Simulator) -> None:
    log: list[object] = []

    async def worker() -> None:
        try:
            await sim.sleep(10.0)
        except asyncio.CancelledError:
            log.append(sim.now)
            raise

    job = sim.spawn(worker())
    sim.call_after(1_000_000_000, job.cancel)
    sim.run()
    assert log == [1.0]
    assert isinstance(job.exception(), asyncio.CancelledError)
    assert not job.cancel()


def test_a_process_that_cancels_itself_learns_it_at_its_next_wait(sim: Simulator) -> None:
    log: list[str] = []

    async def worker() -> None:
        assert sim._current is not None
        sim._current.cancel()
        log.append("still here")
        await sim.sleep(1.0)
        log.append("never")

    sim.spawn(worker())
    sim.run()
    assert log == ["still here"]
    assert sim.now == 0.0


def test_a_killed_process_runs_not_another_line(sim: Simulator) -> None:
    log: list[str] = []

    async def worker() -> None:
        try:
            await sim.sleep(10.0)
        finally:
            log.append(f"finally at {sim.now}")

    async def waiter() -> str:
        try:
            await job
        except Crashed as error:
            return str(error)
        return "no"

    job = sim.spawn(worker(), "worker")
    sim.call_after(5, job.kill)
    assert sim.run_process(waiter()) == "worker was killed."
    gc.collect()
    sim.run(until=100.0)
    assert log == []


def test_a_process_that_kills_itself_never_comes_back_from_its_next_wait(sim: Simulator) -> None:
    log: list[str] = []

    async def worker() -> None:
        me = sim._current
        assert me is not None
        me.kill()
        log.append("same moment")
        await sim.sleep(1.0)
        log.append("later")

    sim.spawn(worker())
    sim.run(until=10.0)
    assert log == ["same moment"]


def test_a_deadlock_names_who_waits_for_what(sim: Simulator) -> None:
    async def stuck() -> None:
        await sim.signal("the key to the cellar")

    sim.spawn(stuck(), "thief")
    with pytest.raises(Deadlock, match="thief waits for the key to the cellar"):
        sim.run()


def test_a_daemon_may_wait_for_ever(sim: Simulator) -> None:
    async def server() -> None:
        await sim.signal("a request")

    sim.spawn(server(), daemon=True)
    sim.run()


def test_waiting_for_what_nobody_can_cause_is_a_deadlock(sim: Simulator) -> None:
    with pytest.raises(Deadlock, match="nobody is left who could cause rain"):
        sim.run_until(sim.signal("rain"))


def test_a_deadlock_of_tasks_names_the_line_at_which_they_wait(sim: Simulator) -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock, match=r"task main on a waits in \S*main, line \d+, in Event\.wait"):
        sim.run_until(sim.host("a").create_task(main(), name="main"))


def test_a_deadlock_of_tasks_names_their_own_line_and_what_of_asyncios_they_wait_in(sim: Simulator) -> None:
    left, right = asyncio.Lock(), asyncio.Lock()

    async def philosopher(first: asyncio.Lock, second: asyncio.Lock) -> None:
        async with first:
            await asyncio.sleep(1.0)
            async with second:
                pass

    async def dine() -> None:
        await asyncio.gather(philosopher(left, right), philosopher(right, left))

    with pytest.raises(Deadlock) as caught:
        sim.run_until(sim.host("a").create_task(dine()))
    assert len(re.findall(r"on a waits in \S*philosopher, line \d+, in Lock.acquire", str(caught.value))) == 2


def test_a_failed_process_that_nobody_awaits_fails_the_run(sim: Simulator) -> None:
    async def wrong() -> None:
        await sim.sleep(2.0)
        raise LookupError("no such thing")

    sim.spawn(wrong(), "wrong")
    with pytest.raises(LookupError, match="no such thing") as caught:
        sim.run()
    assert caught.value.__notes__ == ["in process wrong at 2.000000000 s of virtual time; nobody awaited it"]


def test_a_failed_process_raises_in_who_awaits_it(sim: Simulator) -> None:
    async def wrong() -> None:
        await sim.sleep(1.0)
        raise LookupError("no such thing")

    async def main() -> str:
        try:
            await sim.spawn(wrong())
        except LookupError as error:
            return str(error)
        return "no"

    assert sim.run_process(main()) == "no such thing"


def test_awaiting_something_strange_is_an_error_in_the_process(sim: Simulator) -> None:
    class Strange:
        def __await__(self) -> Iterator[str]:
            yield "strange"

    async def main() -> None:
        await Strange()

    with pytest.raises(TypeError, match="awaited 'strange'"):
        sim.run_process(main())


def test_running_from_inside_a_run_is_an_error(sim: Simulator) -> None:
    async def main() -> None:
        sim.run()

    with pytest.raises(RuntimeError, match="running already"):
        sim.run_process(main())


def test_timers_that_are_due_already_may_be_cancelled_while_nothing_else_is_planned(sim: Simulator) -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        made: list[int] = []
        for number in range(1000):  # after some hundreds of cancelled timers those that are left are swept out
            over, when = loop.create_future(), loop.time() + 0.001
            timers: list[asyncio.TimerHandle] = []
            loop.call_at(when, lambda timers=timers, over=over: (timers[0].cancel(), over.set_result(None)))
            timers.append(loop.call_at(when, made.append, number))
            await over
        return len(made)

    assert sim.run_until(sim.host("a").create_task(main())) == 0
    gc.collect()


def test_a_run_that_is_refused_in_the_middle_of_a_run_has_begun_nothing(sim: Simulator) -> None:
    seen: list[object] = []
    late = sim.signal("late")

    async def other() -> None:
        seen.append("never")

    async def asks() -> None:
        coro = other()
        for call in (sim.run, lambda: sim.run_until(late), lambda: sim.run_process(coro)):
            with pytest.raises(RuntimeError, match="running already"):
                call()
        coro.close()
        late.set()
        await sim.sleep(5)
        seen.append(sim.now)

    sim.spawn(asks())
    sim.run()
    assert seen == [5.0]


def test_ctrl_c_in_a_process_ends_the_run_even_if_somebody_awaits_it(sim: Simulator) -> None:
    async def interrupted() -> None:
        raise KeyboardInterrupt

    async def main() -> None:
        await sim.spawn(interrupted())

    with pytest.raises(KeyboardInterrupt):
        sim.run_process(main())


def test_a_cancelled_timer_makes_no_call(sim: Simulator) -> None:
    calls: list[int] = []
    timer = sim.call_after(10, calls.append, 1)
    sim.call_after(5, timer.cancel)
    sim.run()
    assert calls == []
    assert sim.now_ns == 5


def test_a_decorated_method_starts_a_process(sim: Simulator) -> None:
    class Shop:
        def __init__(self, sim: Simulator) -> None:
            self.sim = sim

        @process
        async def sell(self, price: int) -> int:
            await self.sim.sleep(1.0)
            return price

    assert sim.run_until(Shop(sim).sell(7)) == 7


def test_a_process_works_for_the_request_of_whoever_started_it(sim: Simulator) -> None:
    async def child() -> int:
        await sim.sleep(1.0)
        return sim.request

    async def main() -> int:
        return await sim.spawn(child())

    assert sim.run_until(sim.spawn(main(), request=7)) == 7
    assert sim.request == -1


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 20)), max_size=30), st.integers(0, 3))
def test_every_sleep_ends_at_its_time_whatever_else_happens(jobs: list[tuple[int, int]], seed: int) -> None:
    with Simulator(seed) as sim:
        ends: list[tuple[int, int]] = []

        async def sleeper(number: int, naps: int, length: int) -> None:
            for _ in range(naps):
                await sim.sleep_ns(length)
            ends.append((number, sim.now_ns))

        for number, (naps, length) in enumerate(jobs):
            sim.spawn(sleeper(number, naps, length))
        sim.run()
        assert sorted(ends) == [(i, naps * length) for i, (naps, length) in enumerate(jobs)]
        assert [end for _, end in ends] == sorted(end for _, end in ends)


def test_the_same_seed_gives_the_same_trace_and_another_seed_another() -> None:
    def digest(seed: int) -> str:
        trace = Trace()
        with Simulator(seed, trace) as sim:

            async def client(number: int) -> None:
                for _ in range(5):
                    await sim.sleep(sim.luck("think").expovariate(1.0))

            for number in range(10):
                sim.spawn(client(number), f"client {number}", request=number)
            sim.run()
        return trace.digest

    assert digest(1) == digest(1)
    assert digest(1) != digest(2)
