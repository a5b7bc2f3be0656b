"""Light processes and asyncio tasks wait for each other, whoever steps the task."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from windtunnel.sim.host import Host
from windtunnel.sim.kernel import Crashed, Signal, Simulator

Start = Callable[[Coroutine[Any, Any, Any]], "asyncio.Task[Any]"]


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator() as one:
        yield one


@pytest.fixture
def host(sim: Simulator) -> Host:
    return sim.host("a")


@pytest.fixture(params=["stepped by the kernel", "made by asyncio.Task itself", "eager"])
def start(request: pytest.FixtureRequest, host: Host) -> Start:
    """The three ways in which a task comes to be. Libraries use all of them."""
    if request.param == "stepped by the kernel":
        return host.create_task
    if request.param == "made by asyncio.Task itself":
        return lambda coro: asyncio.Task(coro, loop=host.loop)
    if sys.version_info < (3, 12):
        pytest.skip("eager tasks exist since Python 3.12")

    def start_eagerly(coro: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        async def outer() -> Any:
            return await asyncio.Task(coro, loop=host.loop, eager_start=True)

        return host.create_task(outer())

    return start_eagerly


def test_a_task_sleeps_in_virtual_time_by_either_sleep(sim: Simulator, start: Start) -> None:
    async def main() -> list[float]:
        await sim.sleep(1.0)
        first = sim.now
        await asyncio.sleep(1.0)
        return [first, sim.now, asyncio.get_running_loop().time()]

    assert sim.run_until(start(main())) == [1.0, 2.0, 2.0]


def test_a_task_awaits_signals_and_processes(sim: Simulator, start: Start) -> None:
    bell: Signal[str] = sim.signal("bell")

    async def work() -> str:
        await sim.sleep(2.0)
        return "worked"

    async def main() -> tuple[str, str, float]:
        job = sim.spawn(work())
        return await bell, await job, sim.now

    sim.call_after(1_000_000_000, bell.set, "ding")
    assert sim.run_until(start(main())) == ("ding", "worked", 2.0)


def test_a_process_that_fails_raises_in_the_task_that_awaits_it(sim: Simulator, start: Start) -> None:
    async def wrong() -> None:
        await sim.sleep(1.0)
        raise LookupError("gone")

    async def main() -> str:
        with pytest.raises(LookupError, match="gone"):
            await sim.spawn(wrong())
        return "caught"

    assert sim.run_until(start(main())) == "caught"


def test_a_process_awaits_tasks_and_futures(sim: Simulator, host: Host, start: Start) -> None:
    async def task() -> str:
        await asyncio.sleep(1.0)
        return "from the task"

    async def main() -> tuple[str, int, float]:
        future: asyncio.Future[int] = host.loop.create_future()
        sim.call_after(3_000_000_000, future.set_result, 5)
        return await start(task()), await future, sim.now

    assert sim.run_process(main()) == ("from the task", 5, 3.0)


def test_a_task_waits_for_a_signal_within_a_limit(sim: Simulator, start: Start) -> None:
    bell: Signal[None] = sim.signal("bell")

    async def main() -> list[object]:
        early = await bell.within(1.0), sim.now
        sim.call_after(500_000_000, bell.set)
        late = await bell.within(1.0), sim.now
        return [early, late]

    assert sim.run_until(start(main())) == [(False, 1.0), (True, 1.5)]


@pytest.mark.parametrize("what", ["our sleep", "asyncio's sleep", "a signal", "a process", "a future", "a lock"])
def test_a_task_is_cancelled_at_once_whatever_it_waits_for(sim: Simulator, start: Start, what: str) -> None:
    log: list[object] = []

    async def forever() -> None:
        await sim.signal("never")

    async def main() -> None:
        lock = asyncio.Lock()
        await lock.acquire()
        waits: dict[str, Callable[[], Any]] = {
            "our sleep": lambda: sim.sleep(100.0),
            "asyncio's sleep": lambda: asyncio.sleep(100.0),
            "a signal": lambda: sim.signal("never"),
            "a process": lambda: sim.spawn(forever(), daemon=True),
            "a future": asyncio.get_running_loop().create_future,
            "a lock": lock.acquire,
        }
        try:
            await waits[what]()
        except asyncio.CancelledError as error:
            log.append((sim.now, *error.args))
            await sim.sleep(1.0)  # tidying up takes time too
            log.append(sim.now)
            raise

    task = start(main())
    sim.call_after(2_000_000_000, task.cancel, "enough")
    with pytest.raises(asyncio.CancelledError):
        sim.run_until(task)
    assert log == [(2.0, "enough"), 3.0]
    assert task.cancelled()


def test_cancelling_a_task_leaves_the_process_that_it_awaited_alone(sim: Simulator, start: Start) -> None:
    async def work() -> str:
        await sim.sleep(5.0)
        return "done"

    job = sim.spawn(work())

    async def main() -> None:
        await job

    task = start(main())
    sim.call_after(1_000_000_000, task.cancel)
    sim.run()
    assert task.cancelled()
    assert job.result() == "done"


def test_wait_for_gather_shield_and_groups_take_what_the_tunnel_offers(sim: Simulator, start: Start) -> None:
    never: Signal[None] = sim.signal("never")
    bell: Signal[str] = sim.signal("bell")

    async def work(seconds: float) -> float:
        await sim.sleep(seconds)
        return sim.now

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(never, 1.0)
        assert sim.now == 1.0
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await never
        assert sim.now == 2.0
        sim.call_after(1_000_000_000, bell.set, "ding")
        assert await asyncio.wait_for(bell, 5.0) == "ding"
        assert await asyncio.gather(bell, sim.spawn(work(1.0)), asyncio.sleep(2.0, "slept")) == ["ding", 4.0, "slept"]
        assert await asyncio.shield(asyncio.ensure_future(sim.spawn(work(1.0)))) == 6.0
        done, pending = await asyncio.wait([asyncio.ensure_future(never), asyncio.ensure_future(bell)], timeout=1.0)
        assert (len(done), len(pending)) == (1, 1)
        for each in pending:
            each.cancel()
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                group.create_task(wrong())
                group.create_task(wait(never))
        assert caught.group_contains(LookupError)

    async def wrong() -> None:
        await sim.sleep(1.0)
        raise LookupError

    async def wait(signal: Signal[None]) -> None:
        await signal

    sim.run_until(start(main()))
    assert sim.now == 8.0


def test_a_process_is_told_when_the_host_of_the_task_that_it_awaits_crashes(sim: Simulator, host: Host) -> None:
    async def task() -> None:
        await asyncio.sleep(100.0)

    async def main() -> tuple[str, float]:
        with pytest.raises(Crashed, match="a crashed"):
            await host.create_task(task())
        return "told", sim.now

    sim.faults.crash(host, at_s=1.0)
    assert sim.run_process(main()) == ("told", 1.0)


def test_running_until_a_task_ends_with_its_host(sim: Simulator, host: Host) -> None:
    async def other() -> None:
        while True:  # noqa: ASYNC110  (a run of which nothing else would be the end)
            await asyncio.sleep(1.0)

    sim.host("b").start(other)
    sim.faults.crash(host, at_s=1.0)
    with pytest.raises(Crashed):
        sim.run_until(host.create_task(asyncio.sleep(100.0)))


def test_a_task_cannot_await_a_task_of_another_host_but_a_process_can(sim: Simulator, host: Host) -> None:
    async def far() -> int:
        await asyncio.sleep(1.0)
        return 1

    async def near() -> int:
        return int(await sim.host("b").create_task(far()))

    assert sim.run_process(near()) == 1
    with pytest.raises(RuntimeError, match="attached to a different loop"):
        sim.run_until(host.create_task(near()))


def test_tasks_inherit_the_request_and_hand_it_to_processes(sim: Simulator, host: Host) -> None:
    seen: list[int] = []

    async def process() -> None:
        seen.append(sim.request)

    async def child() -> None:
        seen.append(sim.request)
        await sim.spawn(process())

    async def main() -> None:
        await asyncio.create_task(child())

    sim.run_until(host.create_task(main(), request=5))
    sim.run_until(host.create_task(main()))
    assert seen == [5, 5, -1, -1]


def test_sets_of_tasks_are_walked_in_the_order_in_which_the_tasks_were_made(sim: Simulator, host: Host) -> None:
    async def main() -> list[str]:
        tasks = {asyncio.create_task(asyncio.sleep(1.0), name=str(number)) for number in range(8)}
        names = [task.get_name() for task in tasks]
        await asyncio.wait(tasks)
        return names

    assert sim.run_until(host.create_task(main())) == [str(number) for number in range(8)]


def test_asynchronous_generators_that_were_left_are_closed_by_their_loop(sim: Simulator, host: Host) -> None:
    log: list[object] = []

    async def numbers() -> Any:
        try:
            while True:
                yield 1
        finally:
            await asyncio.sleep(1.0)
            log.append(sim.now)

    async def main() -> None:
        async for _ in numbers():
            break
        await asyncio.sleep(3.0)

    sim.run_until(host.create_task(main()))
    assert log == [1.0]


def test_an_entry_point_that_fails_fails_the_run(sim: Simulator, host: Host) -> None:
    async def main() -> None:
        await asyncio.sleep(1.0)
        raise LookupError("no configuration")

    host.start(main)
    with pytest.raises(LookupError, match="no configuration"):
        sim.run()


def test_a_callback_of_a_host_can_be_shown() -> None:
    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        soon, later = loop.call_soon(print), loop.call_later(3, print)
        shown = [repr(soon), repr(later)]
        soon.cancel()
        later.cancel()
        return [*shown, repr(soon)]

    with Simulator() as sim:
        shown = sim.run_until(sim.host("host").start(main))
    assert ["print" in text for text in shown] == [True, True, False]
    assert "cancelled" in shown[2]
