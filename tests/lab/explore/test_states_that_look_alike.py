"""States that are told apart, though what is compared of them is equal to Python, or lies where nobody looked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Generator, Iterable
from typing import Any

import pytest

from windtunnel.explore import Pause, states
from windtunnel.lab.explore.frames import known_here
from windtunnel.sim import Simulator

Made = tuple[object, dict[str, Coroutine[Any, Any, None]]]


class Shared:
    """What all see."""

    value: Any = None
    count = 0


class Good:
    class Node:
        bad = False


class Bad:
    class Node:
        bad = True


ALIKE: dict[str, tuple[Any, Any, Callable[[Any], bool]]] = {
    "zero and false": (0, False, lambda one: one is False),
    "one and true": (1, True, lambda one: one is True),
    "whole and floating": (1, 1.0, lambda one: isinstance(one, float)),
    "true and floating": (1.0, True, lambda one: one is True),
    "zero and its negative": (0.0, -0.0, lambda one: str(one) == "-0.0"),
    "in a tuple": ((0,), (False,), lambda one: one[0] is False),
    "in a set": ({0}, {False}, lambda one: repr(one) == "{False}"),
    "a queue and one with a bound": (deque([1]), deque([1], 1), lambda one: one.maxlen == 1),
    "two classes of one name": (Good.Node(), Bad.Node(), lambda one: one.bad),
    "the classes themselves": (Good.Node, Bad.Node, lambda one: one.bad),
}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("pair", ALIKE)
def test_what_python_calls_equal_may_go_on_otherwise(pair: str, turned: bool) -> None:
    one, other, wrong = ALIKE[pair]
    values = (other, one) if turned else (one, other)

    def make(sim: Simulator) -> Made:
        shared = Shared()

        async def puts(what: Any) -> None:
            await Pause("comes")
            shared.value = what
            shared.count += 1

        async def sees() -> None:
            while shared.count < 2:
                await Pause("waits")
            await Pause("looks")
            assert not wrong(shared.value), "the other one"

        return shared, {"one": puts(values[0]), "other": puts(values[1]), "sees": sees()}

    with pytest.raises(AssertionError, match="the other one"):
        states(make)


def goes_on(fails: bool) -> Callable[[], Coroutine[Any, Any, None]]:
    async def well() -> None:
        await Pause("goes on")

    async def badly() -> None:
        await Pause("goes on")
        raise AssertionError("the other one")

    badly.__name__ = badly.__qualname__ = well.__name__
    changed = badly.__code__.replace(co_name="well", co_qualname=well.__qualname__)
    badly.__code__ = changed
    return badly if fails else well


@pytest.mark.parametrize("turned", [False, True])
def test_two_coroutines_of_one_name_stand_in_two_places(turned: bool) -> None:
    def make(sim: Simulator) -> Made:
        shared = Shared()

        async def puts(fails: bool) -> None:
            await Pause("comes")
            shared.value = fails
            shared.count += 1

        async def sees() -> None:
            while shared.count < 2:
                await Pause("waits")
            shared.value, fails = None, shared.value
            await goes_on(fails)()

        return shared, {"one": puts(turned), "other": puts(not turned), "sees": sees()}

    with pytest.raises(AssertionError, match="the other one"):
        states(make)


async def nothing() -> int:
    await Pause("reckons")
    await Pause("reckons on")
    return 0


async def value_of(shared: Shared) -> Any:
    await Pause("looks")
    return shared.value


def pair(first: Any, second: Any) -> Any:
    return first


async def by_sum(shared: Shared) -> Any:
    return shared.value + await nothing()


async def by_argument(shared: Shared) -> Any:
    return pair(shared.value, await nothing())


async def by_list(shared: Shared) -> Any:
    first, _ = [await value_of(shared) for _ in (1, 2)]
    return first


async def by_item(shared: Shared) -> Any:
    return {shared.value: await nothing()}.popitem()[0]


ON_THE_STACK = (by_sum, by_argument, by_list, by_item)
reads_stacks = pytest.mark.skipif(not known_here(), reason="this Python's frames are not known")


@reads_stacks
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("reads", ON_THE_STACK)
def test_what_was_read_before_an_await_in_one_expression_tells_states_apart(reads: Any, turned: bool) -> None:
    """The lost update in one line: the left side is read, and then others come."""
    before, after = (7, 1) if turned else (1, 7)

    def make(sim: Simulator) -> Made:
        shared = Shared()
        shared.value = before

        async def look() -> None:
            await Pause("comes")
            assert await reads(shared) != 7, "seven"

        async def change() -> None:
            for value in (after, 3):
                await Pause("changes")
                shared.value = value
            await Pause("has changed")

        return shared, {"change": change(), "look": look()}

    with pytest.raises(AssertionError, match="seven"):
        states(make)


def three() -> Generator[int]:
    yield 1
    yield 1
    yield 1


LOOPS: dict[str, Callable[[], Iterable[object]]] = {
    "a tuple": lambda: (1, 1, 1),
    "a list": lambda: [1, 1, 1],
    "a generator": three,
    "a generator in an expression": lambda: (1 for _ in range(3)),
    "a map": lambda: map(int, "111"),
    "a dictionary": lambda: {1: 0, 2: 0, 3: 0}.values(),
    "a queue": lambda: deque([1, 1, 1]),
    "text": lambda: "111",
    "two at a time": lambda: zip([1, 1, 1], "111", strict=True),
}


@reads_stacks
@pytest.mark.parametrize("items", LOOPS)
def test_the_turns_of_a_loop_over_equal_items_are_so_many_states(items: str) -> None:
    def make(sim: Simulator) -> Made:
        async def goes_round() -> None:
            for _ in LOOPS[items]():
                await Pause("turn")
            await sim.signal("never")

        return None, {"one": goes_round()}

    found = states(make, 20)
    assert found.complete
    assert len(found.does) == 4
    assert len(found.stuck()) == 1
