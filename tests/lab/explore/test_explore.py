"""The explorer finds what is there, proves what is not, and replays what it found."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from helpers.examples import examples
from windtunnel.explore import Access, Lock, RealThreads, Threads, explore, picture, replay, simplest
from windtunnel.lab.explore.generator_threads import Thread
from windtunnel.lab.explore.strategies import DPOR, DepthFirst, strategy


def _table(seats: int, ordered: bool) -> Threads:
    def make() -> tuple[Mapping[str, Thread], None]:
        forks = [Lock(f"fork {i}") for i in range(seats)]

        def philosopher(i: int) -> Thread:
            first, second = forks[i], forks[(i + 1) % seats]
            if ordered and i == seats - 1:
                first, second = second, first
            yield first.acquire()
            yield second.acquire()
            yield second.release()
            yield first.release()

        return {f"philosopher {i}": philosopher(i) for i in range(seats)}, None

    return Threads(make)


def _counter(threads: int = 2, rounds: int = 1) -> Threads:
    def make() -> tuple[Mapping[str, Thread], Callable[[], None]]:
        memory = {"x": 0}

        def add() -> Thread:
            for _ in range(rounds):
                yield Access("read", "x")
                seen = memory["x"]
                yield Access("write", "x")
                memory["x"] = seen + 1

        def check() -> None:
            assert memory["x"] == threads * rounds, f"{memory['x']} of {threads * rounds} updates are left"

        return {f"thread {i}": add() for i in range(threads)}, check

    return Threads(make)


def test_dpor_finds_the_deadlock_of_five_philosophers_within_twenty_schedules() -> None:
    found = explore(_table(5, ordered=False), DPOR(), limit=20)
    assert found.failure is not None
    assert found.failure.kind == "deadlock"
    assert "philosopher 0 waits for fork 1, held by philosopher 1" in found.failure.sentence


def test_the_ordered_table_of_five_is_proved_free_of_deadlock() -> None:
    found = explore(_table(5, ordered=True), DPOR(), limit=5_000)
    assert found.complete
    assert found.failure is None


@pytest.mark.parametrize("name", ["random", "pct", "depth-first", "dpor"])
def test_every_strategy_finds_the_lost_update_and_its_tape_replays(name: str) -> None:
    program = _counter()
    found = explore(program, strategy(name, seed=1), limit=50)
    assert found.failure is not None
    assert found.failure.sentence == "1 of 2 updates are left"
    assert replay(program, found.failure.tape) == found.failure


def test_two_threads_of_two_steps_have_six_schedules_and_four_of_them_lose_an_update() -> None:
    schedules = set(permutations(["thread 0", "thread 0", "thread 1", "thread 1"]))
    assert len(schedules) == 6
    assert sum(replay(_counter(), tape) is not None for tape in schedules) == 4


def _random_program(plans: list[list[tuple[str, str]]]) -> Callable[[set[Any]], Threads]:
    """Threads that read and write and lock by plan; every final state that is reached is put into the set."""

    def program(reached: set[Any]) -> Threads:
        def make() -> tuple[Mapping[str, Thread], Callable[[], None]]:
            memory = dict.fromkeys("ab", 0)
            seen: dict[int, int] = {}

            def run(me: int, plan: list[tuple[str, str]]) -> Thread:
                for kind, target in plan:
                    if kind == "read":
                        yield Access("read", target)
                        seen[me] = seen.get(me, 0) * 7 + memory[target]
                    elif kind == "write":
                        yield Access("write", target)
                        memory[target] = memory[target] * 3 + me + 1
                    else:
                        yield Lock(target).acquire()
                        yield Access("write", "a")
                        memory["a"] = memory["a"] * 5 + me + 1
                        yield Lock(target).release()

            def check() -> None:
                reached.add((tuple(memory.items()), tuple(sorted(seen.items()))))

            return {str(i): run(i, plan) for i, plan in enumerate(plans)}, check

        return Threads(make)

    return program


_plan = st.lists(st.tuples(st.sampled_from(["read", "write", "lock"]), st.sampled_from("ab")), min_size=1, max_size=2)


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(_plan, min_size=2, max_size=3))
def test_dpor_reaches_every_final_state_that_all_schedules_reach(plans: list[list[tuple[str, str]]]) -> None:
    program = _random_program(plans)
    by_all: set[Any] = set()
    by_dpor: set[Any] = set()
    full = explore(program(by_all), DepthFirst(), limit=4_000)
    reduced = explore(program(by_dpor), DPOR(), limit=4_000)
    assert reduced.complete
    assert reduced.schedules <= full.schedules
    if full.complete:
        assert by_dpor == by_all
    else:
        assert by_all <= by_dpor


class Counter:
    def __init__(self) -> None:
        self.value = 0
        self.lock = threading.Lock()

    def add(self) -> None:
        self.value += 1

    def add_safely(self) -> None:
        with self.lock:
            self.value += 1


def _real_counter(safe: bool) -> RealThreads:
    def make() -> tuple[Mapping[str, Callable[[], object]], Callable[[], None]]:
        counter = Counter()

        def check() -> None:
            assert counter.value == 2, f"{counter.value} of 2 updates are left"

        add = counter.add_safely if safe else counter.add
        return {"one": add, "two": add}, check

    return RealThreads(make)


@pytest.mark.parametrize("name", ["random", "pct", "depth-first", "dpor"])
def test_real_threads_lose_an_update_in_an_unmodified_increment_and_replay_it(name: str) -> None:
    program = _real_counter(safe=False)
    found = explore(program, strategy(name, seed=3), limit=60)
    assert found.failure is not None
    assert found.failure.sentence == "1 of 2 updates are left"
    assert replay(program, found.failure.tape) == found.failure


def test_a_lock_of_real_threads_is_proved_to_help() -> None:
    found = explore(_real_counter(safe=True), DPOR(), limit=500)
    assert found.complete
    assert found.failure is None


def test_a_deadlock_of_real_threads_is_seen_and_nothing_hangs() -> None:
    def make() -> tuple[Mapping[str, Callable[[], object]], None]:
        a, b = threading.Lock(), threading.Lock()

        def forwards() -> None:
            with a, b:
                pass

        def backwards() -> None:
            with b, a:
                pass

        return {"forwards": forwards, "backwards": backwards}, None

    found = explore(RealThreads(make), DPOR(), limit=100)
    assert found.failure is not None
    assert found.failure.kind == "deadlock"
    assert "forwards waits for lock 2, held by backwards" in found.failure.sentence
    assert threading.active_count() == 1 or all(not t.name.startswith("forwards") for t in threading.enumerate())


def test_queues_and_events_of_real_threads_come_along() -> None:
    def make() -> tuple[Mapping[str, Callable[[], object]], Callable[[], None]]:
        items: queue.Queue[int] = queue.Queue(1)
        got: list[int] = []

        def produce() -> None:
            for i in range(2):
                items.put(i)

        def consume() -> None:
            got.extend(items.get() for _ in range(2))

        def check() -> None:
            assert got == [0, 1]

        return {"producer": produce, "consumer": consume}, check

    found = explore(RealThreads(make), strategy("random", seed=5), limit=25)
    assert found.failure is None
    assert found.schedules == 25


def test_an_unknown_strategy_names_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="random, pct, depth-first, dpor"):
        strategy("luck")


def test_a_schedule_is_shrunk_to_the_switches_that_matter_and_drawn() -> None:
    program = _counter(threads=3, rounds=4)
    found = explore(program, strategy("random", seed=9), limit=50).failure
    assert found is not None
    small = simplest(program, found)
    assert small.kind == found.kind
    assert small.switches <= 4 < found.switches
    assert replay(program, small.tape) == small
    lines = picture(small).text(80).splitlines()
    assert sorted(lines[0].split()) == ["0", "1", "2", "thread", "thread", "thread"]
    assert "read x" in lines[1]  # it begins with a read, whoever begins
    assert len(lines) == 1 + len(small.steps)
