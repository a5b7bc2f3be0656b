"""Two threads end in exactly what every order of their steps can end in, whichever version runs them."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from helpers import thread_programs
from helpers.thread_models import PLACES, Outcome, Statement, outcomes, program
from windtunnel.explore import DPOR, RealThreads, explore, replay, runs

LIMIT = 400
PLACE = st.sampled_from(list(PLACES))
PLAIN = st.one_of(
    st.tuples(st.just("see"), PLACE),
    st.tuples(st.just("set"), PLACE, st.integers(1, 2)),
    st.tuples(st.just("add"), PLACE, st.integers(1, 2)),
)
WITH_LOCKS = st.one_of(
    PLAIN,
    st.tuples(st.just("locked"), st.lists(PLAIN, min_size=1, max_size=2)),
    st.tuples(st.sampled_from(["wait", "tell"]), PLACE),
)
THREAD = st.lists(WITH_LOCKS, min_size=1, max_size=3)


def agrees(threads: tuple[list[Statement], list[Statement]]) -> bool:
    """Whether all was covered; then what is reached is what can be reached."""
    reached: set[Outcome] = set()
    real, stuck, number = program(threads, reached), None, 0
    for number, (_, failure) in enumerate(runs(real, DPOR(), LIMIT), 1):  # noqa: B007
        if failure is not None:
            assert failure.kind == "deadlock", failure.sentence
            stuck = failure
            reached.add("deadlock")
    expected = outcomes(threads)
    assert reached <= expected
    if stuck is not None:
        assert replay(program(threads, set()), stuck.tape) == stuck
    if number == LIMIT:
        return False
    assert not real.unsure
    assert reached == expected
    return True


@settings(max_examples=30, deadline=None)
@given(THREAD, THREAD)
def test_two_threads_end_in_all_that_their_steps_can_end_in_and_in_nothing_else(one: list[Any], two: list[Any]) -> None:
    agrees((one, two))


@pytest.mark.soak
@settings(max_examples=1_000, deadline=None)
@given(THREAD, THREAD)
def test_a_thousand_pairs_of_threads_end_in_all_that_their_steps_can_end_in(one: list[Any], two: list[Any]) -> None:
    agrees((one, two))


@pytest.mark.parametrize("place", PLACES)
def test_a_lost_update_a_lock_that_mends_it_and_a_signal_that_is_lost_are_as_the_steps_say(place: str) -> None:
    adds: list[Statement] = [("add", place, 1)]
    values = {end[0][list(PLACES).index(place)] for end in outcomes((adds, adds))}
    assert values == {1, 2}
    assert agrees((adds, adds))
    locked: list[Statement] = [("locked", adds)]
    assert len(outcomes((locked, locked))) == 1
    assert agrees((locked, locked))
    waits, tells = [("wait", place), ("see", place)], [("tell", place)]
    assert "deadlock" not in outcomes((waits, tells))
    assert agrees((waits, tells))
    takes_back: list[Statement] = [*tells, ("set", place, 0)]
    assert "deadlock" in outcomes((waits, takes_back))
    assert agrees((waits, takes_back))


FINAL_STATES = {40: "8ad32d9fc7c1ddd0", 400: "c047f8cf5d804e66"}
"""Of so many random programs, a digest of all states that each can end in: one for all versions of Python."""


def final_states(programs: int) -> str:
    found = hashlib.sha256()
    for seed in range(programs):
        reached: set[str] = set()
        assert explore(RealThreads(thread_programs.program(seed, reached)), DPOR(), limit=3_000).complete
        found.update(repr((seed, sorted(reached))).encode())
    return found.hexdigest()[:16]


def test_forty_random_programs_end_in_the_same_states_on_every_version_of_python() -> None:
    assert final_states(40) == FINAL_STATES[40]


@pytest.mark.soak
def test_four_hundred_random_programs_end_in_the_same_states_on_every_version_of_python() -> None:
    assert final_states(400) == FINAL_STATES[400]
