"""Real threads: what the reduction proves is true, whichever way a program touches what it shares."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

import helpers.thread_puzzles_library  # noqa: F401  (it adds its own)
from helpers import thread_puzzles as puzzles
from helpers.thread_programs import program
from helpers.thread_puzzles import PUZZLES
from windtunnel.explore import DPOR, Access, DepthFirst, RealThreads, Stuck, explore, replay
from windtunnel.lab.explore.core import Strategy


class FewSwitches:
    """Every schedule in which no thread that could go on is stopped more than `bound` times (as CHESS, PLDI 2007)."""

    exhaustive = True

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._stack: list[tuple[list[str], int]] = []
        self._depth = self._spent = 0
        self._last = ""
        self._started = False

    def begin(self) -> bool:
        self._depth = self._spent = 0
        self._last = ""
        if not self._started:
            self._started = True
            return True
        while self._stack:
            options, index = self._stack.pop()
            if index + 1 < len(options):
                self._stack.append((options, index + 1))
                return True
        return False

    def choose(self, enabled: Sequence[str], pending: Mapping[str, Access]) -> str | None:
        if not enabled:
            return None
        goes_on = self._last in enabled
        if self._depth == len(self._stack):
            options = sorted(enabled, key=lambda actor: actor != self._last)
            self._stack.append((options[:1] if goes_on and self._spent == self._bound else options, 0))
        options, index = self._stack[self._depth]
        self._depth += 1
        self._spent += goes_on and options[index] != self._last
        self._last = options[index]
        return self._last

    def end(self) -> None:
        pass


@pytest.mark.parametrize("name", PUZZLES)
def test_the_reduction_finds_the_failure_or_proves_that_there_is_none(name: str) -> None:
    wrong, make = PUZZLES[name]
    program = RealThreads(make)
    found = explore(program, DPOR(), limit=3_000)
    assert (found.failure is not None) == wrong
    assert found.complete != wrong
    if found.failure is not None:
        assert replay(program, found.failure.tape) == found.failure


@pytest.mark.soak
@pytest.mark.parametrize("name", PUZZLES)
def test_an_exhaustive_search_that_stops_at_every_opcode_agrees(name: str) -> None:
    wrong, make = PUZZLES[name]
    found = explore(RealThreads(make, every_opcode=True), FewSwitches(2), limit=4_000)
    if name == "philosophers" and found.failure is None:
        assert not found.complete
        pytest.skip("their deadlock takes two switches at just the right two of 120 opcodes: it was not reached")
    assert (found.failure is not None) == wrong


def _made_at_import() -> tuple[Mapping[str, Callable[[], object]], None]:
    return PUZZLES["a_lock_made_at_import_and_a_new_one"][1]()  # type: ignore[return-value]


def test_a_deadlock_over_a_lock_made_at_import_names_it_and_who_has_it() -> None:
    found = explore(RealThreads(_made_at_import), DPOR(), limit=100).failure
    assert found is not None
    assert found.kind == "deadlock"
    assert "(made before the run), held by forwards" in found.sentence
    assert not puzzles.LOCK.locked(), "what a run that was given up had taken is given back"


def test_what_was_made_at_import_is_as_before_when_an_exploration_ends() -> None:
    for name in ("a_semaphore_made_at_import", "a_queue_made_at_import", "a_condition_made_at_import"):
        explore(RealThreads(PUZZLES[name][1]), DPOR(), limit=3)
    assert puzzles.PERMITS._value == 1
    assert puzzles.WORK.empty()
    assert puzzles.PERMITS.acquire(blocking=False)
    puzzles.PERMITS.release()
    with puzzles.CHANGED, puzzles.RLOCK:
        pass


@pytest.mark.parametrize("strategy", [DPOR(), DepthFirst()])
def test_a_thread_that_waits_in_c_ends_the_exploration_with_a_sentence_that_says_where(strategy: Strategy) -> None:
    never: queue.SimpleQueue[int] = queue.SimpleQueue()
    counts: list[int] = []

    def make() -> tuple[Mapping[str, Callable[[], object]], None]:
        def wait_for_a_message() -> None:
            counts.append(1)
            never.get()

        return {"one": wait_for_a_message, "two": lambda: counts.append(2)}, None

    said = r"Thread 'one' has not come back for 0\.2 s in wait_for_a_message .*, line \d+\): .* in its place\.$"
    with pytest.raises(Stuck, match=said):
        explore(RealThreads(make, patience_s=0.2), strategy)
    never.put(1)  # lets the thread that was left behind end


def test_sleeping_takes_no_time_and_moves_nothing() -> None:
    def make() -> tuple[Mapping[str, Callable[[], object]], Callable[[], None]]:
        seen: list[str] = []

        def late() -> None:
            time.sleep(3600)
            seen.append("late")

        def check() -> None:
            assert seen == ["early", "late"]

        return {"early": lambda: seen.append("early"), "late": late}, check

    found = explore(RealThreads(make), DPOR())
    assert found.failure is not None, "a sleep is no order"


def test_a_thread_that_starts_another_is_told_to_leave_that_to_make() -> None:
    def make() -> tuple[Mapping[str, Callable[[], object]], None]:
        return {"one": lambda: threading.Thread(target=print).start()}, None

    found = explore(RealThreads(make), DPOR())
    assert found.failure is not None
    assert "return all of them from `make`" in found.failure.sentence


def test_nothing_is_proved_where_a_global_was_bound_in_a_way_that_could_not_be_foreseen() -> None:
    name = "".join(("hid", "den"))
    space: dict[str, Any] = {"__builtins__": __builtins__, "__name__": "made up", name: 0}
    exec("def read():\n    return hidden\n", space)

    def make() -> tuple[Mapping[str, Callable[[], object]], None]:
        def bind() -> None:
            space[name] = 1

        return {"read": space["read"], "write": bind}, None

    assert not explore(RealThreads(make), DPOR()).complete


@pytest.mark.parametrize(
    "name", ["truth_of_a_list", "sum_beside_a_transfer", "an_increment", "a_closure", "a_global_that_is_read_twice"]
)
def test_where_frames_cannot_be_read_every_opcode_is_taken_at_its_worst_and_nothing_is_missed(name: str) -> None:
    wrong, make = PUZZLES[name]
    found = explore(RealThreads(make, exact=False), DPOR(), limit=2_000)
    assert (found.failure is not None) == wrong


def test_philosophers_in_order_are_proved_within_fifty_schedules() -> None:
    found = explore(RealThreads(PUZZLES["philosophers_in_order"][1]), DPOR(), limit=50)
    assert found.complete
    assert found.failure is None


def test_two_lists_and_two_attributes_need_one_schedule() -> None:
    for name in ("two_lists_of_one_kind", "two_attributes_of_one_thing", "two_threads_with_their_own_lists"):
        assert explore(RealThreads(PUZZLES[name][1]), DPOR()).schedules == 1


def compare_states(seeds: range, schedules: int) -> None:
    """Every final state that a search stopping at every opcode reaches, the reduction reaches too."""
    for seed in seeds:
        by_reduction: set[str] = set()
        by_all: set[str] = set()
        reduced = explore(RealThreads(program(seed, by_reduction)), DPOR(), limit=3_000)
        assert reduced.failure is None, seed
        explore(RealThreads(program(seed, by_all), every_opcode=True), FewSwitches(2), limit=schedules)
        assert not reduced.complete or by_all <= by_reduction, seed


def test_the_reduction_reaches_every_final_state_of_random_programs() -> None:
    compare_states(range(8), schedules=60)


@pytest.mark.soak
def test_the_reduction_reaches_every_final_state_of_200_random_programs() -> None:
    compare_states(range(8, 208), schedules=500)
