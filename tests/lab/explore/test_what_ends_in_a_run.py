"""Things end in a run when they would end without us; and what cannot be followed is not called proved."""

from __future__ import annotations

import _thread
import threading
import types
import weakref
from collections.abc import Callable, Generator, Mapping
from typing import Any

import pytest

from windtunnel.explore import DPOR, RealThreads, explore, replay

Made = tuple[Mapping[str, Callable[[], object]], Callable[[], None] | None]


class Box:
    """What all share."""

    def __init__(self) -> None:
        self.open = 0


class Handle:
    """Counts those that are open."""

    def __init__(self, box: Box) -> None:
        self.box = box
        self.seen = 0

    def __del__(self) -> None:
        self.box.open -= 1


def opened(uses: Callable[[Box, Any], None]) -> Callable[[], Made]:
    """Two open a handle each, with a lock, and end with it."""

    def make() -> Made:
        box, lock = Box(), threading.Lock()

        def check() -> None:
            assert box.open == 0, f"{box.open} are open"

        return {name: lambda: uses(box, lock) for name in ("one", "two")}, check

    return make


def taken(box: Box, lock: Any) -> Handle:
    with lock:
        box.open += 1
        return Handle(box)


def closes_at_its_end(box: Box, lock: Any) -> None:
    taken(box, lock).seen += 1


def closes_with_the_lock(box: Box, lock: Any) -> None:
    handle = taken(box, lock)
    with lock:
        del handle


def in_a_generator(box: Box, lock: Any) -> None:
    def lasts() -> Generator[None]:
        with lock:
            box.open += 1
        try:
            yield
        finally:
            box.open -= 1

    next(lasts())


def test_a_finalizer_takes_its_steps_in_the_run_and_loses_an_update() -> None:
    for uses in (closes_at_its_end, in_a_generator):
        program = RealThreads(opened(uses))
        found = explore(program, DPOR(), 500).failure
        assert found is not None
        assert "are open" in found.sentence
        assert replay(program, found.tape) == found


def test_with_a_lock_around_the_end_it_is_proved() -> None:
    found = explore(RealThreads(opened(closes_with_the_lock)), DPOR(), 2_000)
    assert found.failure is None
    assert found.complete


def in_a_list(box: Box, lock: Any) -> None:
    with lock:
        handles = [taken(box, threading.Lock())]
        handles[0].seen += len(handles)
        handles.append(handles[0])
        del handles


def in_a_list_before_an_opcode(box: Box, lock: Any) -> None:
    with lock:
        handles = [taken(box, threading.Lock())]
        handles[0].seen += len(handles)
        del handles
        box.open += 0


def test_what_a_list_kept_ends_with_it() -> None:
    found = explore(RealThreads(opened(in_a_list)), DPOR(), 2_000)
    assert found.failure is None
    assert found.complete


def test_where_nobody_can_come_between_the_steps_of_what_ends_nothing_is_proved() -> None:
    found = explore(RealThreads(opened(in_a_list_before_an_opcode)), DPOR(), 2_000)
    assert found.failure is None, "nobody is open at the end"
    assert not found.complete


def test_lists_that_keep_nothing_that_ends_hinder_no_proof() -> None:
    def make() -> Made:
        def work() -> None:
            for i in range(3):
                one = [[i], [{"i": [i]}]]
                one[0].append(len(one))

        return {"one": work, "two": work}, None

    found = explore(RealThreads(make), DPOR(), 10)
    assert found.complete
    assert found.schedules == 1


def looks_twice(refer: Callable[[Any], Callable[[], object]]) -> Callable[[], Made]:
    def make() -> Made:
        box = types.SimpleNamespace(handle=Box())
        look = refer(box.handle)

        def looks() -> None:
            if look() is not None:
                assert look() is not None, "it is gone"

        def lets_go() -> None:
            box.handle = None

        return {"looks": looks, "lets go": lets_go}, None

    return make


def by_value(thing: Any) -> Callable[[], object]:
    values = weakref.WeakValueDictionary({"it": thing})
    return lambda: values.get("it")


def by_proxy(thing: Any) -> Callable[[], object]:
    proxy = weakref.proxy(thing)

    def look() -> object:
        try:
            return proxy.open
        except ReferenceError:
            return None

    return look


@pytest.mark.parametrize("refer", [weakref.ref, by_value, by_proxy])
def test_what_is_referred_to_weakly_may_be_gone_between_two_looks(refer: Any) -> None:
    program = RealThreads(looks_twice(refer))
    found = explore(program, DPOR(), 500).failure
    assert found is not None
    assert found.sentence == "looks: it is gone"
    assert replay(program, found.tape) == found


def test_a_thread_that_is_started_below_threading_is_refused_too() -> None:
    def make() -> Made:
        return {"one": lambda: _thread.start_new_thread(print, ())}, None

    found = explore(RealThreads(make), DPOR())
    assert found.failure is not None
    assert "return all of them from `make`" in found.failure.sentence
    assert _thread.start_new_thread.__name__ == "start_new_thread"


def levels(hidden: bool) -> RealThreads:
    """A module's variable is read by its own code, and set by code that nobody leads to before it runs."""
    module = types.ModuleType("levels")
    text = "def look():\n    first = level\n    assert first == level, 'it has changed'\n"
    exec(compile(text, "<levels>", "exec"), module.__dict__)
    other: dict[str, Any] = {}
    exec(compile("def put(module): module.level += 1\n", "<others>", "exec"), other)
    kept = types.SimpleNamespace(put=other["put"])
    shown = None if hidden else other["put"]

    def make() -> Made:
        exec("level = 1", module.__dict__)

        def sets_hidden() -> None:
            kept.put(module)

        def sets() -> None:
            assert shown is not None
            shown(module)

        return {"look": module.look, "set": sets_hidden if hidden else sets}, None

    return RealThreads(make)


def test_who_binds_a_global_that_was_passed_over_proves_nothing_and_is_known_the_next_time() -> None:
    program = levels(hidden=True)
    first = explore(program, DPOR(), 100)
    assert first.failure is None
    assert not first.complete
    again = explore(program, DPOR(), 100).failure
    assert again is not None
    assert again.sentence == "look: it has changed"


def test_what_a_closure_leads_to_is_known_before_the_first_run() -> None:
    found = explore(levels(hidden=False), DPOR(), 100).failure
    assert found is not None
    assert found.sentence == "look: it has changed"


def test_a_file_that_was_not_under_test_before_is_stopped_in_where_it_is() -> None:
    box = Box()

    def make() -> Made:
        box.open = 0

        def check() -> None:
            assert box.open == 2, "lost"

        return {"one": opens, "two": opens}, check

    def opens() -> None:
        box.open += 1

    for _ in range(2):
        assert explore(RealThreads(make, traced=lambda file: False), DPOR()).failure is None
        assert explore(RealThreads(make), DPOR()).failure is not None
