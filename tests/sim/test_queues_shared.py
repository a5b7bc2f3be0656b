"""Semaphores, locks and bounded queues: nobody overtakes, nothing is lost, and a deadlock names who holds what."""

from __future__ import annotations

import asyncio
import re

import pytest
from hypothesis import given, strategies as st

from windtunnel.sim.kernel import Deadlock, Simulator
from windtunnel.sim.queues import Lock, Queue, Semaphore
from windtunnel.sim.servers.base import Rejected


@given(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=25))
def test_a_semaphore_never_lets_too_many_in_and_serves_in_order(permits: int, visits: list[tuple[int, int]]) -> None:
    sim = Simulator()
    semaphore = Semaphore(sim, permits)
    inside = 0
    asked, entered = [], []

    async def visitor(i: int, at: int, stay: int) -> None:
        nonlocal inside
        await sim.sleep_ns(at)
        asked.append(i)
        async with semaphore:
            entered.append(i)
            inside += 1
            assert inside <= permits
            await sim.sleep_ns(stay)
            inside -= 1

    for i, (at, stay) in enumerate(visits):
        sim.spawn(visitor(i, at, stay))
    sim.run()
    assert entered == asked
    assert (semaphore.free, semaphore.waiting) == (permits, 0)


@given(
    st.integers(1, 3),
    st.lists(
        st.tuples(st.integers(0, 9), st.integers(1, 9), st.sampled_from([None, 3, "cancel", "kill"])), max_size=20
    ),
)
def test_permits_survive_those_who_give_up_waiting(permits: int, visits: list[tuple[int, int, object]]) -> None:
    sim = Simulator()
    semaphore = Semaphore(sim, permits)
    held_by_dead = 0

    async def visitor(at: int, stay: int, patience: object) -> None:
        nonlocal held_by_dead
        await sim.sleep_ns(at)
        try:
            await semaphore.acquire(patience * 1e-9 if isinstance(patience, int) else None)
        except TimeoutError:
            return
        held_by_dead += 1
        try:
            await sim.sleep_ns(stay)
        finally:
            held_by_dead -= 1
            semaphore.release()

    for at, stay, patience in visits:
        process = sim.spawn(visitor(at, stay, patience))
        if isinstance(patience, str):
            sim.call_at(at + 3, getattr(process, patience))
    sim.run(until=1.0)
    # A process that is killed runs no `finally`: whoever held a permit then holds it for ever.
    assert semaphore.free == permits - held_by_dead
    if semaphore.free:
        assert semaphore.waiting == 0
    sim.close()


def test_two_locks_in_opposite_order_are_a_deadlock_that_says_who_holds_what() -> None:
    sim = Simulator()
    left, right = Lock(sim, "left fork"), Lock(sim, "right fork")

    async def philosopher(first: Lock, second: Lock) -> None:
        async with first:
            await sim.sleep(1.0)
            async with second:
                pass

    sim.spawn(philosopher(left, right), "Plato")
    sim.spawn(philosopher(right, left), "Kant")
    with pytest.raises(Deadlock) as caught:
        sim.run()
    assert "Plato waits for right fork, held by Kant" in str(caught.value)
    assert "Kant waits for left fork, held by Plato" in str(caught.value)
    sim.close()


def test_a_deadlock_of_tasks_of_hosts_says_who_holds_what() -> None:
    with Simulator() as sim:
        left, right = Lock(sim, "left fork"), Lock(sim, "right fork")

        async def philosopher(first: Lock, second: Lock) -> None:
            async with first:
                await asyncio.sleep(1.0)
                async with second:
                    pass

        tasks = [
            sim.host(name).create_task(philosopher(*forks), name=name)
            for name, forks in {"Plato": (left, right), "Kant": (right, left)}.items()
        ]
        with pytest.raises(Deadlock) as caught:
            sim.run_until(tasks[0])
        assert "task Plato on Plato waits for right fork, held by task Kant on Kant" in str(caught.value)
        assert "task Kant on Kant waits for left fork, held by task Plato on Plato" in str(caught.value)


def test_a_lock_is_not_handed_to_a_task_whose_host_has_crashed() -> None:
    with Simulator() as sim:
        lock, host = Lock(sim, "lock"), sim.host("a")
        had: list[tuple[str, float]] = []

        async def visit(name: str, after_s: float) -> None:
            await sim.sleep(after_s)
            async with lock:
                had.append((name, sim.now))
                await sim.sleep(2.0)

        sim.spawn(visit("first", 0.0))
        host.create_task(visit("dead", 1.0))
        sim.spawn(visit("last", 1.5))
        sim.faults.crash(host, at_s=1.2)
        sim.run()
        assert had == [("first", 0.0), ("last", 2.0)]


def test_only_the_holder_releases_a_lock_and_anybody_a_semaphore() -> None:
    sim = Simulator()
    lock, semaphore = Lock(sim, "lock"), Semaphore(sim, 1)

    async def holder() -> None:
        await lock.acquire()
        await semaphore.acquire()
        assert lock.locked
        assert not lock.try_acquire()
        await sim.sleep(2.0)
        lock.release()

    async def thief() -> None:
        await sim.sleep(1.0)
        with pytest.raises(RuntimeError, match="thief does not hold lock, held by holder"):
            lock.release()
        semaphore.release()
        assert semaphore.try_acquire()
        semaphore.release()

    sim.spawn(holder(), "holder")
    sim.spawn(thief(), "thief")
    sim.run()
    assert not lock.locked
    with pytest.raises(RuntimeError, match="without having been acquired"):
        semaphore.release()


def test_waiting_for_a_lock_can_have_an_end() -> None:
    sim = Simulator()
    lock = Lock(sim, "the lock")

    async def hog() -> None:
        async with lock:
            await sim.sleep(10.0)

    async def impatient() -> None:
        with pytest.raises(TimeoutError, match=re.escape("Waited 2 s for the lock, held by hog.")):
            await lock.acquire(2.0)
        assert sim.now == 2.0
        await lock.acquire(60.0)
        assert sim.now == 10.0

    sim.spawn(hog(), "hog")
    sim.run_process(impatient())


@given(
    limit=st.sampled_from([None, 1, 2, 5]),
    producers=st.lists(st.lists(st.integers(0, 5), max_size=8), min_size=1, max_size=4),
    consumers=st.lists(st.integers(0, 5), min_size=1, max_size=4),
)
def test_a_queue_hands_every_item_over_once_and_each_producers_in_order(
    limit: int | None, producers: list[list[int]], consumers: list[int]
) -> None:
    sim = Simulator()
    queue: Queue[tuple[int, int]] = Queue(sim, limit)
    got: list[tuple[int, int]] = []
    most = 0

    async def producer(me: int, pauses: list[int]) -> None:
        nonlocal most
        for i, pause in enumerate(pauses):
            await sim.sleep_ns(pause)
            await queue.put((me, i))
            most = max(most, len(queue))

    async def consumer(pause: int) -> None:
        while True:
            got.append(await queue.get())
            await sim.sleep_ns(pause)

    for me, pauses in enumerate(producers):
        sim.spawn(producer(me, pauses))
    for pause in consumers:
        sim.spawn(consumer(pause), daemon=True)
    sim.run()
    assert sorted(got) == [(me, i) for me, pauses in enumerate(producers) for i in range(len(pauses))]
    for me in range(len(producers)):
        assert [i for who, i in got if who == me] == sorted(i for who, i in got if who == me)
    assert limit is None or most <= limit
    sim.close()


def test_no_item_is_lost_when_getters_and_putters_give_up() -> None:
    sim = Simulator()
    queue: Queue[str] = Queue(sim, limit=1, name="belt")
    log = []

    async def get_and_be_cancelled() -> None:
        await queue.get()

    async def main() -> None:
        with pytest.raises(TimeoutError, match="an item from belt, which is empty"):
            await queue.get(1.0)
        waiting = sim.spawn(get_and_be_cancelled())
        await sim.sleep(1.0)
        queue.put_nowait("a")  # is handed to the getter, which is cancelled in the same moment
        waiting.cancel()
        await sim.sleep(1.0)
        assert len(queue) == 1
        with pytest.raises(TimeoutError, match="room in belt, which holds 1 items"):
            await queue.put("b", 1.0)
        with pytest.raises(Rejected, match="belt is full") as full:
            queue.put_nowait("c")
        assert full.value.outcome == "fail"
        log.append(await queue.get())
        await queue.put("d")
        log.append(await queue.get())
        assert len(queue) == 0

    sim.run_process(main())
    assert log == ["a", "d"]


def test_sizes_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Semaphore(Simulator(), 0)
    with pytest.raises(ValueError, match="at least 1"):
        Queue(Simulator(), 0)
