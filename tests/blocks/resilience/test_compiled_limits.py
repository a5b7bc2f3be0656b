"""A limiter of the compiled tier decides what its text decides, to the bit, and holds the same afterwards."""

from __future__ import annotations

import asyncio
import copy
import pickle
import time
from contextlib import suppress
from itertools import count
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from helpers.examples import examples
from helpers.tiers import outcome, text_of
from windtunnel.blocks.resilience.rate_limit import Gcra, TokenBucket
from windtunnel.sim import Simulator
from windtunnel.tier import native

pytestmark = pytest.mark.skipif(native is None, reason="the compiled tier was not built here, or is not wanted")

KINDS = [Gcra, TokenBucket]


class Same:
    """A key that is equal to another and may raise when it is compared."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __hash__(self) -> int:
        return self.number // 2

    def __eq__(self, other: object) -> bool:
        if self.number == 3:
            raise ArithmeticError("I do not compare.")
        return isinstance(other, Same) and other.number == self.number

    def __repr__(self) -> str:
        return f"Same({self.number})"


keys = st.sampled_from(["a", "b", "c" * 9, 1, 1.0, ("t", 2), b"a", None, [], *map(Same, range(4))])
costs = st.one_of(st.sampled_from([1, 1.0, 0.1, 2, 3, True, 0, -1, inf, nan, "1", 1 << 70]), st.floats(0.001, 10))
moments = st.one_of(
    st.none(), st.floats(0, 3), st.sampled_from([0, 1, 2, 1.7e9, 1.7e9 + 1e-7, inf, -inf, nan, "now", True])
)
rates = st.one_of(st.sampled_from([1, 10, 0.5, 1e9, inf, 1 << 60, True]), st.floats(0.1, 100))
bursts = st.one_of(st.sampled_from([1, 2, 3, 20, 1.5, inf, 1 << 60, True]), st.floats(0.1, 30))
take = st.tuples(st.just("take"), keys, costs, moments)
others = st.sampled_from(
    [("copy",), ("sweep",), ("rate", 5), ("rate", 0.25), ("burst", 4), ("most", 2.5), ("bad",), ("held",)]
)


def told(made: Any) -> str:
    return f"{made!r} {made.__getstate__()!r}"


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=examples(50), deadline=None)
@given(rate=rates, burst=bursts, program=st.lists(st.one_of(take, take, take, others), max_size=25))
def test_any_program_of_requests_has_the_same_decisions(
    kind: type[Any], rate: Any, burst: Any, program: list[tuple[Any, ...]]
) -> None:
    def run(one: type[Any]) -> list[str]:
        ticks = count()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "monotonic", lambda: next(ticks) * 0.0625)
            made, kept, seen = one(rate, burst), list[Any](), list[str]()
            for what, *args in program:
                if what == "take":
                    key, cost, at_s = args
                    seen.append(outcome(made.take, key, cost, at_s=at_s))
                    seen.append(outcome(made.take, cost=cost) if key is None else outcome(made.take, key))
                elif what == "copy":
                    kept.append(made)
                    made = copy.deepcopy(made)
                elif what == "sweep":
                    made._until_sweep = 2
                elif what == "held":
                    with suppress(ValueError, ArithmeticError):
                        kept.append(made.take("kept", 0.5))
                elif what == "bad":
                    seen += [outcome(made.take, 1, 2, 3), outcome(made.take, "a", key="b"), outcome(made.take, x=1)]
                else:
                    setattr(made, {"rate": "rate_per_s"}.get(what, what), args[0])
                seen.append(told(made))
            return [*seen, *(told(one) if hasattr(one, "take") else repr(one) for one in kept)]

    assert run(kind) == run(text_of(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_keys_that_are_as_good_as_new_are_forgotten_in_the_same_order(kind: type[Any]) -> None:
    ours, theirs = kind(10, 2), text_of(kind)(10, 2)
    for i in range(5000):
        for made in (ours, theirs):
            made.take(f"key {i * i % 1777}", at_s=i * 0.001)
        if not i % 500:
            assert told(ours) == told(theirs)
    assert told(ours) == told(theirs)
    assert ours.tracked < 1777


@pytest.mark.parametrize("kind", KINDS)
def test_a_decision_that_somebody_keeps_does_not_change(kind: type[Any]) -> None:
    made = kind(1, 5)
    kept = [made.take("a", at_s=0.0) for _ in range(7)]
    assert [one.allowed for one in kept] == [True] * 5 + [False] * 2
    assert [one.remaining for one in kept] == [4, 3, 2, 1, 0, 0, 0]
    numbers = [one.remaining for one in kept]
    state = made._states["a"]
    for _ in range(9):
        made.take("a", at_s=3.0)
    assert numbers == [4, 3, 2, 1, 0, 0, 0]
    assert state[1] == 0.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_pickle_of_either_tier_is_read_by_the_other(kind: type[Any]) -> None:
    ours, theirs = kind(10, 2), text_of(kind)(10, 2)
    for made in (ours, theirs):
        made.take("a", at_s=1.0)
    assert ours.__getstate__() == theirs.__getstate__()
    assert list(ours.__getstate__()) == list(theirs.__getstate__())
    again = pickle.loads(pickle.dumps(ours))
    assert told(again) == told(theirs)
    plain = text_of(kind).__new__(text_of(kind))
    vars(plain).update(copy.deepcopy(ours.__getstate__()))
    assert told(plain) == told(ours)


def test_a_subclass_that_decides_for_itself_is_asked() -> None:
    class Never(Gcra):
        def _take(self, key: Any, cost: float, now: float) -> Any:
            return "never", key, cost, now

    class Ages(Gcra):
        def _is_idle(self, state: Any, now: float) -> bool:
            return False

    assert Never(1, 1).take("a", at_s=2.0) == ("never", "a", 1, 2.0)
    made = Ages(1, 1)
    made.take("a", at_s=0.0)
    made._until_sweep = 1
    made.take("b", at_s=100.0)
    assert made.tracked == 2


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_that_changes_a_state_while_others_are_forgotten_breaks_nothing(kind: type[Any]) -> None:
    made, later = kind(1, 2), dict[str, Any]()

    class Busy:
        def __hash__(self) -> int:
            return 1

        def __eq__(self, other: object) -> bool:
            made._states.update(later)
            return self is other

    for key in (Busy(), Busy(), "a", "b"):
        made.take(key, at_s=99.5)
    made.take("old", at_s=0.0)
    made._until_sweep = 1
    later["b"] = (1.5, 10**6)  # a whole number, which is no float
    made.take("c", at_s=100.0)
    assert list(made._states)[2:] == ["a", "b", "c"]


@pytest.mark.parametrize("kind", KINDS)
def test_time_is_the_loop_s_and_the_tunnel_s(kind: type[Any]) -> None:
    async def run(made: Any) -> list[Any]:
        seen = []
        for _ in range(4):
            seen.append(made.take("a"))
            await asyncio.sleep(0.3)
        return seen

    def of(one: type[Any]) -> list[Any]:
        made, seen = one(1, 2), list[Any]()
        with Simulator(1) as sim:

            async def light() -> None:
                for _ in range(3):
                    seen.append(made.take("light"))
                    await sim.sleep(0.4)

            sim.spawn(light())
            task = sim.host("h").create_task(run(made))
            sim.run()
            return [*seen, *task.result(), dict(made._states)]

    assert of(kind) == of(text_of(kind))
