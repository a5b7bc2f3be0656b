"""Blame names the one thing that did it, among faults, requests and messages that did not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.toy_replicas import LATE, SPOILT, Params, experiment, faults
from windtunnel.lab.blame import MOST_ALONE, MOST_TRIES, NOTHING, blame, when
from windtunnel.lab.causes import Case, case_of
from windtunnel.lab.experiment import Claim
from windtunnel.lab.notes import Notes
from windtunnel.lab.running.work import execute, history_of
from windtunnel.sim.losing import Losing


def case(claim: Claim, seed: int = 0, **params: object) -> Case:
    return case_of(experiment, "service", seed, claim, jobs=1, params=params)


def stalled(seed: int) -> None:
    failed = case(LATE, seed, hiccups=5, stall_s=1.0, lot=seed)
    (stall,) = [fault for fault in faults(Params(hiccups=5, stall_s=1.0, lot=seed)) if fault.for_s == 1.0]
    found = blame(failed)
    assert [(one.what, one.fails) for one in found.effects[:1]] == [(when(stall), False)]
    assert all(one.fails and abs(one.moved) < abs(found.effects[0].moved) for one in found.effects[1:])
    assert (found.enough, found.minimal) == ([when(stall)], True)


@pytest.mark.parametrize("seed", range(3))
def test_a_stall_of_one_host_comes_before_the_hiccups_of_all(seed: int) -> None:
    stalled(seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3, 20))
def test_a_stall_of_one_host_comes_first_on_every_seed(seed: int) -> None:
    stalled(seed)


def test_of_a_request_the_one_message_is_found_that_did_it() -> None:
    found = blame(case(SPOILT, poison=100))
    assert [one.fails for one in found.effects] == [False, False]
    said = sorted(one.what for one in found.effects)
    assert said[0].startswith("message front > b for request 100, sent at 8.3")
    assert said[1].startswith("request 100, due at 8.3")
    assert len(found.enough) == 1
    assert found.minimal
    assert found.messages == 120 * 4
    assert found.runs <= MOST_TRIES


@pytest.mark.parametrize("copies", [0.0, 0.5])
def test_a_message_that_is_taken_away_leaves_all_other_luck_as_it_was(copies: float) -> None:
    failed = case(SPOILT, poison=100, copies=copies)
    lost = Losing([(0, 0)])
    as_it_was, less = [
        {event._replace(value=None) for event in history_of(experiment, failed.job(), None, losing)}
        for losing in (None, lost)
    ]
    assert lost.lost[0].startswith("front > a for request 0, sent at 0.0")
    differ = {event.id for event in as_it_was ^ less}
    assert differ == {0}


def test_a_design_that_breaks_without_something_is_told_nothing_by_it() -> None:
    found = blame(case(SPOILT, poison=100, fragile=True))
    assert [one.split(",")[0] for one in found.enough] == ["request 100"]
    assert [one.what for one in found.effects] == found.enough
    assert found.runs <= MOST_TRIES


def test_messages_are_counted_without_another_change() -> None:
    failed = case(SPOILT, poison=100)
    counted = execute(experiment, failed.job(without=[NOTHING]))
    assert counted.digest == execute(experiment, failed.job()).digest
    assert (counted.sent, counted.lost) == (120 * 4, [""])


def test_nothing_is_found_where_the_setting_fails() -> None:
    always = Claim("service.ops == 0", "Nobody asks.")
    found = blame(case(always))
    assert (found.enough, found.effects) == ([], [])
    assert found.runs <= MOST_TRIES


def test_many_faults_are_halved_and_stay_within_the_tries() -> None:
    assert MOST_ALONE < 100
    found = blame(case(LATE, hiccups=99, stall_s=1.0, lot=3))
    assert len(found.enough) == 1
    assert found.enough[0].endswith("for 1 s")
    assert found.effects[0].what == found.enough[0]
    assert found.runs <= MOST_TRIES


def test_blame_is_the_same_in_one_process_and_in_two() -> None:
    one = case(LATE, hiccups=5, stall_s=1.0, lot=7)
    two = replace(one, jobs=2, notes=Notes(), _asked=set())
    assert blame(one) == blame(two)
