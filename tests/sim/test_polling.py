"""Programs that poll: time goes on for them, as a real processor's does, and nothing stands still in silence."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from typing import Any

import pytest

from windtunnel.sim import kernel, polling
from windtunnel.sim.kernel import Simulator
from windtunnel.sim.signals import Deadlock


@pytest.fixture
def sim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    monkeypatch.setattr(kernel, "LIMIT", 200)  # so that tests need not wait for a hundred thousand
    with Simulator(5) as one:
        yield one


async def poll_by_sleeping(done: list[int]) -> int:
    turns = 0
    while not done:
        await asyncio.sleep(0)
        turns += 1
    return turns


async def poll_by_callbacks(done: list[int]) -> int:
    loop = asyncio.get_running_loop()
    end: asyncio.Future[int] = loop.create_future()

    def look(turns: int) -> None:
        if done:
            end.set_result(turns)
        else:
            loop.call_soon(look, turns + 1)

    look(0)
    return await end


async def poll_by_timers(done: list[int]) -> int:
    loop = asyncio.get_running_loop()
    end: asyncio.Future[int] = loop.create_future()

    def look(turns: int) -> None:
        if done:
            end.set_result(turns)
        else:
            loop.call_later(0, look, turns + 1)

    look(0)
    return await end


@pytest.mark.parametrize("poll", [poll_by_sleeping, poll_by_callbacks, poll_by_timers])
def test_a_timer_fires_while_its_own_program_polls(sim: Simulator, poll: Any) -> None:
    async def main() -> int:
        done: list[int] = []
        asyncio.get_running_loop().call_later(0.01, done.append, 1)
        return await poll(done)  # type: ignore[no-any-return]

    turns = sim.run_until(sim.host("a").create_task(main()))
    assert 0.01 <= sim.now < 0.0101
    assert turns < 3000  # a turn takes ten microseconds once polling has been seen


@pytest.mark.parametrize("poll", [poll_by_sleeping, poll_by_callbacks, poll_by_timers])
def test_polling_on_one_host_does_not_slow_another(sim: Simulator, poll: Any) -> None:
    done: list[int] = []
    ends: list[float] = []

    async def work() -> None:
        for _ in range(100):
            await asyncio.sleep(0.0001)
            for _ in range(5):
                await asyncio.sleep(0)
        ends.append(sim.now)
        done.append(1)

    sim.host("b").create_task(work())
    sim.run_until(sim.host("a").create_task(poll(done)))
    assert ends == [0.01]


def test_a_light_process_that_sleeps_no_time_lets_time_go_on(sim: Simulator) -> None:
    done: list[int] = []
    sim.call_at(10_000_000, done.append, 1)

    async def poll() -> None:
        while not done:
            await sim.sleep(0)

    sim.run_process(poll())
    assert 0.01 <= sim.now < 0.0101


def test_a_program_may_wait_for_a_time_by_looking_at_the_clock(sim: Simulator) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + 0.5
        while loop.time() < end:  # noqa: ASYNC110  (polling is the point)
            await asyncio.sleep(0)

    sim.run_until(sim.host("a").create_task(main()))
    assert 0.5 <= sim.now < 0.502


def test_polling_for_what_can_never_happen_is_a_deadlock_that_names_who_polls(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "HOPELESS", 3000)
    task = sim.host("a").create_task(poll_by_sleeping([]), name="watch")
    with pytest.raises(Deadlock, match=r"polling goes on in task watch on a \(poll_by_sleeping, line \d+"):
        sim.run_until(task)


def test_a_run_with_an_end_ends_there_though_somebody_polls(sim: Simulator) -> None:
    sim.host("a").create_task(poll_by_sleeping([]))
    sim.run(until=0.02)
    assert sim.now == 0.02


def test_many_tasks_that_start_together_take_no_time() -> None:
    with Simulator() as sim:

        async def main() -> None:
            async def one() -> None:
                for _ in range(3):
                    await asyncio.sleep(0)

            await asyncio.gather(*(one() for _ in range(5000)))

        sim.run_until(sim.host("a").create_task(main()))
        assert sim.now == 0


def test_waits_without_end_wait(sim: Simulator) -> None:
    async def main() -> list[object]:
        loop = asyncio.get_running_loop()
        loop.call_later(math.inf, print)
        loop.call_at(math.inf, print).cancel()
        seen: list[object] = []
        for endless in (asyncio.sleep(math.inf), sim.sleep(math.inf), asyncio.sleep(1e300)):
            try:
                async with asyncio.timeout(1.0):
                    await endless
            except TimeoutError:
                seen.append(loop.time())
        async with asyncio.timeout(math.inf):
            await asyncio.sleep(1.0)
        seen.append(await sim.signal().within(0.5))
        return seen

    assert sim.run_until(sim.host("a").create_task(main())) == [1.0, 2.0, 3.0, False]
    with pytest.raises(Deadlock, match="in sleep"):
        sim.run_until(sim.host("a").create_task(asyncio.sleep(math.inf)))


def test_a_time_that_is_no_number_comes_after_the_timers_that_it_finds(sim: Simulator) -> None:
    fired: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(math.nan, fired.append, "alone")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        loop.call_later(1.0, fired.append, "timer")
        loop.call_at(math.nan, fired.append, "behind it")
        await asyncio.sleep(2.0)

    sim.run_until(sim.host("a").create_task(main()))
    assert fired == ["alone", "timer", "behind it"]


def test_times_do_not_end_with_a_machine_word(sim: Simulator) -> None:
    century_s = 3_155_760_000.0
    sim.run_until(sim.host("a").create_task(asyncio.sleep(100 * century_s)))
    assert sim.now == 100 * century_s
    assert sim.now_ns > 1 << 64
