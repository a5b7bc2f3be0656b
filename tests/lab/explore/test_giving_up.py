"""What becomes of threads whose run is given up, wherever they stand; and a run leaves the interpreter as it was."""

from __future__ import annotations

import gc
import queue
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any

import pytest

from windtunnel.explore import DPOR, DepthFirst, RealThreads, Stuck, explore, replay, runs

Made = tuple[Mapping[str, Callable[[], object]], Callable[[], None] | None]
MONITORS = hasattr(sys, "monitoring")


class Box:
    def __init__(self) -> None:
        self.value = 0


def stuck_in(place: str) -> Callable[[], Made]:
    """One thread waits for ever at a place; the other one ends, and nobody can go on."""
    text = {
        "an except": "try: raise ValueError\nexcept ValueError:\n    box.value += 1; never.acquire(); box.value += 1",
        "a finally": "try: raise KeyError\nfinally:\n    box.value += 1; never.acquire(); box.value += 1",
        "a with": "with lock, lock_2:\n    box.value += 1; never.acquire(); box.value += 1",
        "a with of an except": "try: raise KeyError\nexcept KeyError:\n    with lock: never.acquire()\nbox.value += 1",
        "an except star": "try: raise ExceptionGroup('', [KeyError()])\nexcept* KeyError:\n    never.acquire()",
        "a generator": "def g():\n    try: yield 1\n    finally: never.acquire(); box.value += 1\n[*g()]",
        "a comprehension": "[never.acquire() for _ in range(2)]",
        "a callback of C code": "sorted([2, 1], key=lambda one: (never.acquire(), one))",
        "a caught everything": "try: never.acquire()\nexcept BaseException: box.value += 1\nbox.value += 1",
        "a loop that catches everything": (
            "while True:\n    try:\n        box.value += 1; never.acquire()\n    except BaseException: continue"
        ),
        "an except whose handler waits again": (
            "try: never.acquire()\nexcept BaseException:\n    try: never.acquire()\n    finally: box.value += 1"
        ),
    }[place]
    code = compile(text, f"<{place}>", "exec")

    def make() -> Made:
        never = threading.Lock()
        never.acquire()
        space = {"box": Box(), "never": never, "lock": threading.Lock(), "lock_2": threading.RLock()}

        def waits() -> None:
            exec(code, dict(space))

        def other() -> None:
            space["box"].value += 1  # type: ignore[attr-defined]

        return {"waits": waits, "other": other}, None

    return make


PLACES = [
    "an except", "a finally", "a with", "a with of an except", "an except star", "a generator", "a comprehension",
    "a callback of C code", "a caught everything", "an except whose handler waits again",
    pytest.param(
        "a loop that catches everything",
        marks=pytest.mark.skipif(not MONITORS, reason="who raises in a trace function is traced no more"),
    ),
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("every", [False, True])
def test_a_thread_that_waits_for_ever_is_given_up_where_it_stands_and_ends(place: str, every: bool) -> None:
    before = threading.active_count()
    ended = 0
    for _, failure in runs(RealThreads(stuck_in(place), every_opcode=every), DepthFirst(), limit=8):
        assert failure is not None
        assert failure.kind == "deadlock"
        assert threading.active_count() == before
        ended += 1
    assert ended > 1


def test_runs_given_up_at_each_step_of_threads_in_handlers_leave_nothing_behind() -> None:
    """A run may be given up at any of its points: here at each, once."""

    def make() -> Made:
        box, lock = Box(), threading.Lock()

        def work() -> None:
            for _ in range(2):
                try:
                    with lock:
                        box.value += 1
                        raise KeyError(box.value)
                except KeyError as error:
                    box.value -= error.args[0]
                finally:
                    box.value += 1

        return {"one": work, "two": work}, None

    before = threading.active_count()
    program = RealThreads(make, every_opcode=True)
    for limit in range(120):
        taken = 0

        def choose(enabled: Any, pending: Any, limit: int = limit) -> str | None:
            nonlocal taken
            taken += 1
            return enabled[taken % len(enabled)] if enabled and taken <= limit else None

        steps, failure = program.run(choose, 10_000)
        assert failure is None
        assert len(steps) == limit
    assert threading.active_count() == before


def test_a_thread_that_is_left_behind_in_c_does_nothing_more_when_it_comes_back() -> None:
    never: queue.SimpleQueue[int] = queue.SimpleQueue()
    did: list[str] = []
    threads: list[threading.Thread] = []

    def make() -> Made:
        def waits() -> None:
            threads.append(threading.current_thread())
            never.get()
            did.append("went on")

        return {"waits": waits}, None

    with pytest.raises(Stuck):
        explore(RealThreads(make, patience_s=0.1), DPOR())
    never.put(1)
    threads[-1].join(10)
    assert not threads[-1].is_alive()
    assert did == []


def test_garbage_of_others_takes_no_step_in_a_run() -> None:
    ends = Box()

    def left_behind() -> Generator[None]:
        try:
            yield
        finally:
            ends.value += 1  # code that would be stopped in, run by whoever finds the garbage

    def litter() -> None:
        for _ in range(50):
            one = left_behind()
            next(one)
            around: list[Any] = [one]
            around.append(around)

    def make() -> Made:
        box = Box()

        def work() -> None:
            box.value = len(list(map(list, [()] * 3_000)))  # so many that garbage is looked for

        return {"one": work, "two": work}, None

    program = RealThreads(make)
    gc.collect()
    first = program.run(lambda enabled, pending: enabled[0] if enabled else None, 1_000)[0]
    ended = ends.value
    gc.disable()
    litter()
    gc.enable()
    again = program.run(lambda enabled, pending: enabled[0] if enabled else None, 1_000)[0]
    assert gc.isenabled()
    assert again == first
    gc.collect()
    assert ends.value == ended + 50, "it was there to be found"


def test_garbage_is_still_not_looked_for_where_it_was_not_before() -> None:
    gc.disable()
    try:
        explore(RealThreads(lambda: ({"one": Box().__init__}, None)), DPOR(), 1)  # type: ignore[misc]
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.skipif(not MONITORS, reason="by sys.monitoring from 3.12 on")
def test_a_run_gives_back_its_tool_and_every_event() -> None:
    monitoring: Any = vars(sys)["monitoring"]

    def add() -> None:
        box.value += 1

    box = Box()
    explore(RealThreads(lambda: ({"one": add, "two": add}, None)), DPOR(), 10)
    assert [monitoring.get_tool(tool) for tool in range(6)].count("windtunnel.explore") == 0
    for tool in (3, 4):
        monitoring.use_tool_id(tool, "a test")
        try:
            assert monitoring.get_events(tool) == 0
            assert monitoring.get_local_events(tool, add.__code__) == 0
            assert monitoring.get_local_events(tool, threading.Condition.wait.__code__) == 0
        finally:
            monitoring.free_tool_id(tool)


@pytest.mark.skipif(not MONITORS, reason="by sys.monitoring from 3.12 on")
def test_beside_other_tools_it_takes_a_free_one_and_where_there_is_none_it_says_so() -> None:
    monitoring: Any = vars(sys)["monitoring"]
    taken = [tool for tool in range(6) if monitoring.get_tool(tool) is None]

    def make() -> Made:
        box = Box()

        def add() -> None:
            box.value += 1

        def check() -> None:
            assert box.value == 2

        return {"one": add, "two": add}, check

    for tool in taken[1:]:
        monitoring.use_tool_id(tool, "another")
    try:
        found = explore(RealThreads(make), DPOR(), 10).failure
        assert found is not None
        assert replay(RealThreads(make), found.tape) == found
        monitoring.use_tool_id(taken[0], "another")
        with pytest.raises(RuntimeError, match="All six tools"):
            explore(RealThreads(make), DPOR(), 10)
    finally:
        for tool in taken:
            monitoring.free_tool_id(tool)
    assert explore(RealThreads(make), DPOR(), 10).failure is not None
    assert time.sleep.__name__ == "sleep", "what was patched is as before"


def test_code_is_stopped_in_from_its_very_first_call_on() -> None:
    space: dict[str, Any] = {"__name__": "new"}
    text = "def add(box):\n    box.value += 1\n"

    def make() -> Made:
        exec(compile(text, "<new each time>", "exec"), space)
        box = Box()

        def add() -> None:
            space["add"](box)

        def check() -> None:
            assert box.value == 2, "lost"

        return {"one": add, "two": add}, check

    found = explore(RealThreads(make), DPOR(), 10)
    assert found.failure is not None
    assert found.schedules == 2


def test_two_functions_of_one_text_are_both_stopped_in() -> None:
    box = Box()
    space: dict[str, Any] = {"__name__": "new", "box": box}
    adds = []
    for file in ("<one>", "<two>"):
        exec(compile("def add(): box.value += 1", file, "exec"), space)
        adds.append(space.pop("add"))
    assert adds[0].__code__ == adds[1].__code__
    assert adds[0].__code__ is not adds[1].__code__
    found = [steps for steps, _ in runs(RealThreads(lambda: (dict(zip("ab", adds, strict=True)), None)), DPOR())]
    assert len(found) > 1
    taken = [step.actor for step in found[0]]
    assert taken.count("a") == taken.count("b") > 0
