"""runs: every schedule that a strategy wants, those that fail and those that do not."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from itertools import islice
from typing import Any

import pytest

from windtunnel.explore import DPOR, Access, DepthFirst, RandomWalk, RealThreads, Threads, explore, runs

Thread = Generator[Access, None, None]


def counting() -> tuple[Mapping[str, Thread], Callable[[], None]]:
    memory = {"x": 0}

    def add() -> Thread:
        yield Access("read", "x")
        seen = memory["x"]
        yield Access("write", "x")
        memory["x"] = seen + 1

    def check() -> None:
        assert memory["x"] == 2

    return {"a": add(), "b": add()}, check


def test_all_six_schedules_of_two_counts_are_there_and_four_lose_one() -> None:
    every = list(runs(Threads(counting), DepthFirst()))
    tapes = {tuple(step.actor for step in steps) for steps, _ in every}
    assert len(every) == len(tapes) == 6
    assert sum(lost is not None for _, lost in every) == 4
    assert all(lost is None or lost.steps == tuple(steps) for steps, lost in every)


def test_a_limit_is_kept_where_the_strategy_never_ends() -> None:
    assert len(list(runs(Threads(counting), RandomWalk(1), 7))) == 7
    assert len(list(islice(runs(Threads(counting), RandomWalk(1)), 3))) == 3


ADDING = """
class Counter:
    value = 0

    def add(self):
        self.value += 1
"""


@pytest.mark.parametrize("time", ["first", "second"])
def test_code_that_nobody_has_run_before_is_stopped_before_its_steps_as_well(time: str) -> None:
    """From 3.13 on the first call of a code that is traced tells none of its opcodes, and a search proved too much."""
    space: dict[str, Any] = {}
    exec(compile(ADDING, __file__, "exec"), space)

    def make() -> tuple[Mapping[str, Callable[[], object]], Callable[[], None]]:
        counter = space["Counter"]()

        def check() -> None:
            assert counter.value == 2

        return {"a": counter.add, "b": counter.add}, check

    assert explore(RealThreads(make), DPOR(), 100).failure is not None
