"""All states of programs that never end: who is stuck, who is starved, and that what is not there is not found."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from functools import partial
from io import StringIO
from typing import Any, cast

import pytest

from windtunnel.explore import Pause, States, states
from windtunnel.sim import Lock, Signal, Simulator


def _two(backwards: bool) -> States:
    def make(sim: Simulator) -> tuple[object, dict[str, Coroutine[Any, Any, None]]]:
        a, b = Lock(sim, "a"), Lock(sim, "b")

        async def takes(first: Lock, second: Lock) -> None:
            while True:
                async with first:
                    await Pause("between")
                    async with second:
                        await Pause("works")

        return (a, b), {"one": takes(a, b), "other": takes(b, a) if backwards else takes(a, b)}

    return states(make)


def test_two_locks_in_two_orders_are_stuck_and_it_is_told_who_waits_for_whom() -> None:
    found = _two(backwards=True)
    assert found.complete
    assert {tuple(found.waits[s].values()) for s in found.stuck()} == {("b, held by other", "a, held by one")}


def test_two_locks_in_one_order_are_proved_never_stuck_and_nobody_is_left_out() -> None:
    found = _two(backwards=False)
    assert found.complete
    assert not found.stuck()
    assert found.lasso(lambda does: does[0] == "waits") is None


def _flag(handed_over: bool) -> States:
    """A flag that who waits for it is told of; without handing it over another may be faster."""

    def make(sim: Simulator) -> tuple[object, dict[str, Coroutine[Any, Any, None]]]:
        shared: dict[str, Any] = {"taken": False, "line": []}

        async def uses() -> None:
            while True:
                await Pause("idle")
                while shared["taken"]:
                    turn: Signal[None] = sim.signal("turn")
                    shared["line"].append(turn)
                    await turn
                    if handed_over:
                        break
                shared["taken"] = True
                await Pause("uses")
                line = shared["line"]
                shared["taken"] = handed_over and bool(line)
                if line:
                    line.pop(0).set()

        return shared, {"one": uses(), "other": uses()}

    return states(make)


def test_who_is_told_and_finds_the_place_taken_is_starved_by_a_fair_run() -> None:
    lasso = _flag(handed_over=False).lasso(lambda does: does[0] == "waits")
    assert lasso is not None
    assert {name for name, _ in lasso.circle} == {"one", "other"}, "fair: both go on in the circle"
    assert ("other", "uses") in lasso.circle


def test_who_is_handed_the_place_is_not() -> None:
    assert _flag(handed_over=True).lasso(lambda does: does[0] == "waits") is None


def test_what_cannot_be_compared_is_refused_and_what_has_no_end_is_not_called_proved() -> None:
    def counts(sim: Simulator) -> tuple[object, dict[str, Coroutine[Any, Any, None]]]:
        shared = {"n": 0}

        async def counts_on() -> None:
            while True:
                shared["n"] += 1
                await Pause("counts")

        return shared, {"one": counts_on()}

    assert not states(counts, limit=20).complete

    def odd(sim: Simulator) -> tuple[object, dict[str, Coroutine[Any, Any, None]]]:
        async def once() -> None:
            await Pause("once")

        return bytearray(b"1"), {"one": once()}

    with pytest.raises(TypeError, match="cannot be compared"):
        states(odd)


Tick = Callable[[], int]


def _closure() -> Tick:
    n = 0

    def tick() -> int:
        nonlocal n
        n += 1
        return n

    return tick


def _default() -> Tick:
    def tick(box: list[int]) -> int:
        box[0] += 1
        return box[0]

    tick.__defaults__ = ([0],)
    return cast(Tick, tick)


class _Slots:
    __slots__ = ("__dict__", "n")

    def __init__(self) -> None:
        self.n = 0

    def tick(self) -> int:
        self.n += 1
        return self.n


class _Stack(list[int]):
    def tick(self) -> int:
        self.append(0)
        return len(self)


def _counter() -> Tick:
    counts: Counter[str] = Counter()

    def tick() -> int:
        counts["a"] += 1
        return counts["a"]

    return tick


def _error() -> Tick:
    last = [ValueError(0)]

    def tick() -> int:
        last[0] = ValueError(last[0].args[0] + 1)
        return int(last[0].args[0])

    return tick


KEPT: dict[str, Callable[[], Tick]] = {
    "a variable of a function around": _closure,
    "a default argument": _default,
    "the object of a method": lambda: _Slots().tick,
    "arguments that are filled in": lambda: partial(_Slots.tick, _Slots()),
    "the items of a list's subclass": lambda: _Stack().tick,
    "the counts of a Counter": _counter,
    "the arguments of an exception": _error,
}


@pytest.mark.parametrize("where", KEPT)
def test_states_that_differ_in_what_is_kept_elsewhere_are_two(where: str) -> None:
    def make(sim: Simulator) -> tuple[object, dict[str, Coroutine[Any, Any, None]]]:
        tick, never = KEPT[where](), sim.signal("never")

        async def stops_at_the_third() -> None:
            while True:
                await Pause("turn")
                if tick() == 3:
                    await never

        return None, {"one": stops_at_the_third()}

    found = states(make, 20)
    assert found.complete
    assert len(found.does) == 4
    assert len(found.stuck()) == 1


class _Wrapped:
    def __await__(self) -> Any:
        return self._three().__await__()

    async def _three(self) -> None:
        n = 0
        while n < 3:
            await Pause("turn")
            n += 1


async def _items() -> AsyncIterator[int]:
    n = 0
    while n < 3:
        await Pause("turn")
        n += 1
    yield n


async def _first() -> None:
    async for _ in _items():
        return


@pytest.mark.parametrize("inner", [_Wrapped, _first])
def test_what_an_awaitable_or_an_asynchronous_generator_keeps_tells_states_apart(
    inner: Callable[[], Awaitable[None]],
) -> None:
    def make(sim: Simulator) -> tuple[object, dict[str, Coroutine[Any, Any, None]]]:
        async def waits_after_it() -> None:
            await inner()
            await sim.signal("never")

        return None, {"one": waits_after_it()}

    found = states(make, 20)
    assert found.complete
    assert len(found.does) == 4
    assert len(found.stuck()) == 1


def test_what_a_class_of_c_holds_is_refused() -> None:
    async def idles() -> None:
        while True:
            await Pause("idle")

    with pytest.raises(TypeError, match="cannot be compared"):
        states(lambda sim: (StringIO(), {"one": idles()}))


def _three(sim: Simulator) -> tuple[object, dict[str, Coroutine[Any, Any, None]]]:
    lock, count = Lock(sim, "lock"), [0, 0]

    async def goes_round(mine: int) -> None:
        while True:
            await Pause("rests")
            async with lock:
                count[mine % 2] = (count[mine % 2] + 1) % 3
                await Pause("works")

    return (lock, count), {name: goes_round(i) for i, name in enumerate("abc")}


@pytest.mark.parametrize("limit", [1, 30, 31, 32, 90, 20_000])
def test_runs_that_go_on_find_what_runs_find_that_begin_anew_for_each_step(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = states(_three, limit)
    begun = 0

    def counted(sim: Simulator) -> tuple[object, dict[str, Coroutine[Any, Any, None]]]:
        nonlocal begun
        begun += 1
        return _three(sim)

    assert states(counted, limit) == far
    often, begun = begun, 0
    monkeypatch.setattr("windtunnel.lab.explore.states.FAR", 0)
    assert states(counted, limit) == far
    assert begun == 1 + sum(map(len, far.steps))
    assert not far.complete or often < begun / 2


def test_what_a_program_raises_is_raised_though_a_run_went_on_past_it() -> None:
    def make(sim: Simulator) -> tuple[object, dict[str, Coroutine[Any, Any, None]]]:
        met: list[str] = []

        async def comes(name: str) -> None:
            await Pause("comes")
            met.append(name)
            if met == ["b", "a"]:
                raise ValueError("b was first")
            await Pause("stays")

        return met, {name: comes(name) for name in "ab"}

    with pytest.raises(ValueError, match="b was first"):
        states(make)


@pytest.mark.parametrize("value", [[1], {1: 2}, {1}])
def test_a_tuple_that_begins_with_the_name_of_a_class_is_not_what_that_class_holds(value: Any) -> None:
    looks_like = {list: ("list", 1), dict: ("dict", (1, 2)), set: ("set", frozenset((1,)))}[type(value)]

    def make(sim: Simulator) -> tuple[object, dict[str, Coroutine[Any, Any, None]]]:
        kept = [value]

        async def turns() -> None:
            while True:
                await Pause("turn")
                kept[0] = value if kept[0] == looks_like else looks_like

        return kept, {"one": turns()}

    assert len(states(make).does) == 2


def test_where_there_is_nobody_nobody_is_stuck() -> None:
    found = states(lambda sim: (None, {}))
    assert found.complete
    assert not found.stuck()
