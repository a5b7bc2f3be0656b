"""Hosts: crash, restart, pause, clocks, processors."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest
from hypothesis import given, strategies as st

from windtunnel.sim.clock import EPOCH_S
from windtunnel.sim.host import Host
from windtunnel.sim.kernel import Crashed, Simulator
from windtunnel.sim.task import pending


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator() as one:
        yield one


@pytest.fixture
def host(sim: Simulator) -> Host:
    return sim.host("a")


# --- crash and restart -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("process_only", [True, False])
def test_a_crash_stops_every_task_process_timer_and_callback(sim: Simulator, host: Host, process_only: bool) -> None:
    log: list[str] = []

    async def task() -> None:
        try:
            while True:
                await asyncio.sleep(0.3)
                log.append("task")
        finally:
            log.append("task's finally")

    async def light() -> None:
        try:
            while True:
                await sim.sleep(0.3)
                log.append("light")
        finally:
            log.append("light's finally")

    async def bare() -> None:
        try:
            await asyncio.Event().wait()
        except BaseException:
            log.append("bare")
            raise

    host.create_task(task())
    # asyncio lets go of a task that nobody keeps or can wake, whenever the collector comes.
    kept = [asyncio.Task(bare(), loop=host.loop)]
    sim.call_at(600_000_000, kept.clear)
    host.spawn(light())
    host.loop.call_later(0.7, log.append, "callback")
    sim.faults.crash(host, at_s=0.5, process_only=process_only)
    sim.run(until=100.0)
    gc.collect()
    assert log == ["task", "light"]
    assert sim.now == 100.0


def test_a_dead_host_does_not_hold_up_the_clock(sim: Simulator, host: Host) -> None:
    host.create_task(asyncio.sleep(1000.0))
    host.create_task(sim_sleep(sim, 1000.0))
    host.spawn(sim_sleep(sim, 1000.0))
    sim.faults.crash(host, at_s=1.0)
    sim.run()
    assert sim.now == 1.0


async def sim_sleep(sim: Simulator, seconds: float) -> None:
    await sim.sleep(seconds)


def test_a_host_that_crashes_itself_does_nothing_after_its_next_wait(sim: Simulator, host: Host) -> None:
    log: list[str] = []

    async def task() -> None:
        host.crash()
        log.append("the same step")
        host.loop.create_task(asyncio.sleep(1.0))
        sim.spawn(sim_sleep(sim, 1.0), host=host)
        await sim.sleep(1.0)
        log.append("later")

    host.create_task(task())
    sim.run(until=10.0)
    assert log == ["the same step"]


def test_nothing_can_be_started_on_a_host_that_is_down(sim: Simulator, host: Host) -> None:
    host.crash()
    with pytest.raises(Crashed, match="a is down; restart it first"):
        host.create_task(asyncio.sleep(1.0))
    with pytest.raises(Crashed, match="a is down"):
        host.spawn(sim_sleep(sim, 1.0))


def test_a_restart_runs_the_entry_points_again_in_their_order(sim: Simulator, host: Host) -> None:
    log: list[tuple[str, float, int]] = []

    async def program(name: str) -> None:
        log.append((name, sim.now, host.boots))
        await asyncio.sleep(10.0)
        log.append(("never", 0.0, 0))

    async def light() -> None:
        log.append(("light", sim.now, host.boots))
        await sim.sleep(10.0)

    host.start(program, "first")
    host.start(light, light=True)
    host.start(program, "second")
    sim.faults.crash(host, at_s=2.0, for_s=3.0)
    sim.run(until=8.0)
    assert log == [(name, at, boot) for at, boot in ((0.0, 1), (5.0, 2)) for name in ("first", "light", "second")]


def test_restarting_a_host_that_is_up_crashes_it_first(sim: Simulator, host: Host) -> None:
    starts: list[float] = []

    async def program() -> None:
        starts.append(sim.now)
        await asyncio.sleep(1.0)
        starts.append(-1.0)

    host.start(program)
    sim.run(until=0.5)
    host.restart()
    sim.run(until=1.4)
    assert starts == [0.0, 0.5]


def test_what_was_left_runs_its_finally_only_when_the_simulation_is_over(host: Host) -> None:
    log: list[str] = []
    with Simulator() as sim:

        async def task() -> None:
            try:
                await asyncio.sleep(10.0)
            finally:
                log.append("finally")
                await asyncio.sleep(1.0)
                log.append("never")

        sim.host("b").create_task(task())
        sim.run(until=1.0)
        sim.host("b").crash()
        sim.run(until=50.0)
        assert log == []
    assert log == ["finally"]


# --- pause -----------------------------------------------------------------------------------------------------------
def test_a_paused_host_does_everything_later_in_the_same_order(sim: Simulator, host: Host) -> None:
    def program(name: str, log: list[tuple[str, float]], where: Host) -> None:
        async def task(delay: float) -> None:
            await asyncio.sleep(delay)
            log.append((f"task {delay}", sim.now))

        async def light(delay: float) -> None:
            await sim.sleep(delay)
            log.append((f"light {delay}", sim.now))

        for delay in (0.5, 1.2, 1.4, 3.5):
            where.create_task(task(delay))
            where.spawn(light(delay))

    log: list[tuple[str, float]] = []
    calm: list[tuple[str, float]] = []
    program("a", log, host)
    program("b", calm, sim.host("b"))
    sim.faults.pause(host, at_s=1.0, for_s=2.0)
    sim.run()
    assert [name for name, _ in log] == [name for name, _ in calm]
    assert log == [(name, 3.0 if 1.0 < when < 3.0 else when) for name, when in calm]


def test_signals_and_messages_wait_for_the_end_of_the_pause(sim: Simulator, host: Host) -> None:
    other = sim.host("b")
    log: list[object] = []
    bell = sim.signal("bell")

    async def receive() -> None:
        log.append(((await host.inbox(1).get()).body, sim.now))

    async def listen() -> None:
        await bell
        log.append(("bell", sim.now))

    async def born_in_it() -> None:
        log.append(("born", sim.now))

    host.spawn(receive(), daemon=True)
    host.create_task(listen())
    sim.run(until=1.0)
    host.pause(2.0)
    other.send(host, "hello", port=1)
    bell.set()
    sim.call_after(1_000_000_000, lambda: host.spawn(born_in_it()))
    sim.run()
    assert log == [("bell", 3.0), ("hello", 3.0), ("born", 3.0)]


def test_overlapping_pauses_last_until_the_later_end(sim: Simulator, host: Host) -> None:
    ends: list[float] = []

    async def task() -> None:
        await asyncio.sleep(1.5)
        ends.append(sim.now)

    host.create_task(task())
    sim.faults.pause(host, at_s=1.0, for_s=2.0)
    sim.faults.pause(host, at_s=2.0, for_s=3.0)
    sim.faults.pause(host, at_s=2.5, for_s=0.1)
    sim.run()
    assert ends == [5.0]


def test_a_crash_during_a_pause_loses_what_was_laid_aside(sim: Simulator, host: Host) -> None:
    log: list[float] = []

    async def task() -> None:
        await asyncio.sleep(1.5)
        log.append(sim.now)

    host.create_task(task())
    sim.faults.pause(host, at_s=1.0, for_s=2.0)
    sim.faults.crash(host, at_s=2.0, for_s=0.5)
    sim.run()
    assert log == []
    assert host.spawn(sim_sleep(sim, 1.0)) is not None
    sim.run()
    assert sim.now == 3.5


def test_a_host_that_crashed_in_a_pause_can_be_paused_again(sim: Simulator, host: Host) -> None:
    ticks: list[float] = []

    async def tick() -> None:
        while sim.now < 6.0:
            await sim.sleep(1.0)
            ticks.append(sim.now)

    host.start(tick, light=True)
    sim.faults.pause(host, at_s=0.5, for_s=100.0)
    sim.faults.crash(host, at_s=1.0, for_s=1.0)
    sim.faults.pause(host, at_s=3.5, for_s=2.0)
    sim.run()
    assert ticks == [3.0, 5.5, 6.5]


def test_a_host_is_down_while_any_of_its_crashes_lasts(sim: Simulator, host: Host) -> None:
    sim.faults.crash(host, at_s=1.0, for_s=5.0)
    sim.faults.crash(host, at_s=2.0, for_s=1.0)
    sim.faults.crash(host, at_s=8.0, for_s=1.0)
    down = []
    for second in (0.5, 1.5, 3.5, 5.5, 6.5, 8.5, 9.5):
        sim.run(second)
        down.append(host.down)
    assert down == [False, True, True, True, False, True, False]
    assert host.boots == 3


def test_the_power_may_fail_after_the_process_has_died(sim: Simulator, host: Host) -> None:
    host.disk.after_power_loss = "nothing"
    file = host.disk.open("data", create=True)
    file.fsync()
    host.disk.fsync_dir()
    file.append(b"not synced")
    host.crash(process_only=True)
    assert host.powered
    assert host.disk.open("data").size == 10
    host.crash()
    assert not host.powered
    assert host.disk.open("data").size == 0


# --- clocks ----------------------------------------------------------------------------------------------------------
def test_a_clock_drifts_and_is_ahead(sim: Simulator) -> None:
    host = sim.host("fast", clock_drift_ppm=100.0, clock_skew_s=5.0)
    sim.run(until=1000.0)
    assert host.clock.monotonic() == pytest.approx(1000.1)
    assert host.clock.time() == pytest.approx(EPOCH_S + 1005.1)
    assert sim.clock.time() == pytest.approx(EPOCH_S + 1000.0)


def test_timeouts_of_a_host_whose_clock_is_fast_come_early(sim: Simulator) -> None:
    host = sim.host("fast", clock_drift_ppm=500_000.0)

    async def main() -> tuple[float, float]:
        await asyncio.sleep(3.0)
        return sim.now, asyncio.get_running_loop().time()

    assert sim.run_until(host.create_task(main())) == (pytest.approx(2.0), pytest.approx(3.0))


def test_a_clock_that_is_set_back_leaves_timers_alone(sim: Simulator, host: Host) -> None:
    async def main() -> tuple[float, float]:
        before = host.clock.time()
        await asyncio.sleep(10.0)
        return sim.now, host.clock.time() - before

    sim.faults.skew(host, by_s=-60.0, at_s=5.0)
    assert sim.run_until(host.create_task(main())) == (10.0, pytest.approx(-50.0))


@given(st.lists(st.tuples(st.floats(0.001, 10.0), st.floats(-900_000, 1e6)), min_size=1, max_size=5))
def test_a_monotonic_clock_never_jumps_whatever_its_drift(changes: list[tuple[float, float]]) -> None:
    with Simulator() as sim:
        host = sim.host("a")
        for seconds, drift_ppm in changes:
            before = host.clock.monotonic_ns()
            host.clock.set_drift(drift_ppm)
            assert host.clock.monotonic_ns() == before
            sim.run(until=sim.now + seconds)
            wanted = host.clock.monotonic() + 1.0
            moment = host.clock.true_ns(wanted)
            assert moment >= sim.now_ns
            sim.run(until=moment / 1e9)
            assert host.clock.monotonic() == pytest.approx(wanted, abs=3e-9 * (1 + max(drift_ppm, 0) / 1e6))


# --- processors ------------------------------------------------------------------------------------------------------
def test_k_cores_do_k_things_at_a_time_first_come_first_served(sim: Simulator) -> None:
    host = sim.host("a", cores=2)
    ends: list[tuple[int, float]] = []

    async def job(number: int) -> None:
        await host.cpu.work(1.0)
        ends.append((number, sim.now))

    for number in range(5):
        (host.spawn if number % 2 else host.create_task)(job(number))
    sim.run()
    assert sorted(ends) == [(0, 1.0), (1, 1.0), (2, 2.0), (3, 2.0), (4, 3.0)]
    assert host.cpu.busy_ns == 5_000_000_000


def test_work_stands_still_while_the_host_does(sim: Simulator, host: Host) -> None:
    ends: list[float] = []

    async def job() -> None:
        await host.cpu.work(1.0)
        ends.append(sim.now)

    host.spawn(job())
    host.spawn(job())
    sim.faults.pause(host, at_s=0.25, for_s=10.0)
    sim.run()
    assert ends == [11.0, 12.0]


def test_a_crash_frees_the_processor(sim: Simulator, host: Host) -> None:
    async def job() -> float:
        await host.cpu.work(1.0)
        return sim.now

    host.spawn(job(), daemon=True)
    sim.run(until=0.5)
    host.crash()
    host.restart()
    assert sim.run_until(host.spawn(job())) == 1.5


def test_work_that_was_given_from_elsewhere_is_lost_with_the_host(sim: Simulator, host: Host) -> None:
    ends: list[tuple[float, str, float]] = []

    async def work(at_s: float) -> None:
        await sim.sleep(at_s)
        try:
            await host.cpu.work(1.0)
            ends.append((at_s, "done", sim.now))
        except Crashed:
            ends.append((at_s, "lost", sim.now))

    for at_s in (0.0, 1.5, 2.1, 4.0):
        sim.spawn(work(at_s))
    sim.faults.crash(host, at_s=2.0, for_s=1.0)
    sim.run()
    assert ends == [(0.0, "done", 1.0), (1.5, "lost", 2.5), (2.1, "lost", 3.1), (4.0, "done", 5.0)]


def test_slow_processors_add_up_and_end_as_they_were(sim: Simulator, host: Host) -> None:
    host.cpu.speed = 2.0
    sim.faults.slow(host, to=0.5, at_s=1.0, for_s=4.0)
    sim.faults.slow(host, to=0.1, at_s=2.0, for_s=1.0)
    took = []

    async def work(at_s: float) -> None:
        await sim.sleep(at_s)
        await host.cpu.work(0.01)
        took.append(round(sim.now - at_s, 6))

    for at_s in (0.5, 1.5, 2.5, 3.5, 5.5):
        sim.spawn(work(at_s))
    sim.run()
    assert took == [0.005, 0.01, 0.1, 0.01, 0.005]
    with pytest.raises(ValueError, match="use pause"):
        sim.faults.slow(host, to=0.0, at_s=9.0)
    host.cpu.speed = 0.0
    with pytest.raises(ValueError, match="pause the host"):
        sim.run_process(work(0.0))


def test_wrong_work_is_refused(sim: Simulator, host: Host) -> None:
    with pytest.raises(ValueError, match="Cannot do -1 s of work"):
        sim.run_process(host.cpu.work(-1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="0 cores do no work"):
        sim.host("b", cores=0)


def test_the_tasks_of_many_loops_are_those_that_asyncio_names_loop_by_loop() -> None:
    """At the end of thousands of hosts asyncio is asked once, not once by each about the tasks of all."""

    async def wait() -> None:
        await asyncio.sleep(10)

    with Simulator() as sim:
        loops = [sim.host(f"host {i}").loop for i in range(4)]
        tasks = {loop: {loop.create_task(wait()) for _ in range(i)} for i, loop in enumerate(loops)}
        foreign = asyncio.Task(wait(), loop=loops[0])
        done = loops[1].create_task(asyncio.sleep(0))
        sim.run(until=1)
        found = pending(loops)
        assert {loop: set(those) for loop, those in found.items()} == {**tasks, loops[0]: {foreign}}
        assert all(set(found[loop]) == asyncio.all_tasks(loop) for loop in loops)
        assert done.done()
