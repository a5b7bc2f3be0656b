"""All states of programs that never end: who is stuck, who is starved, and that what is not there is not found."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

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

        return iter([1]), {"one": once()}

    with pytest.raises(TypeError, match="cannot be compared"):
        states(odd)
