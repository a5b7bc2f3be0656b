"""The judge, judged: thirty wrong designs that grading has to find, and six right ones that it must let pass.

`FOUND_ON` is data: the first seed, counted from 1, on which each wrong design is found. The quick test begins there and
has ten seeds, so that a change of luck makes it slower before it makes it fail; the soak test searches from
seed 1 and prints the table anew.
"""

from __future__ import annotations

import importlib
import statistics
import time
from typing import Any

import pytest

from windtunnel.lab.experiment import Experiment
from windtunnel.lab.grading.grade import grade, hunt

FOUND_ON = {
    "register": {
        "no_write_back": 5,
        "half_is_enough": 1,
        "local_clock": 1,
        "ack_before_sync": 2,
        "last_message_wins": 2,
    },
    "lease": {
        "no_fence": 1,
        "reads_pass_the_fence": 1,
        "fence_in_memory": 11,
        "tokens_start_again": 6,
        "expiry_keeps_token": 2,
    },
    "saga": {
        "undo_twice": 1,
        "do_twice": 1,
        "step_then_log": 1,
        "undo_overtakes": 1,
        "timeout_is_failure": 1,
    },
    "payments": {
        "key_per_attempt": 1,
        "key_after_charge": 1,
        "answer_not_stored": 1,
        "key_not_synced": 1,
        "look_then_store": 1,
    },
    "log": {
        "ack_from_memory": 1,
        "shows_too_early": 27,
        "offset_from_checkpoint": 1,
        "new_name_per_try": 1,
        "commits_first": 1,
    },
    "tickets": {
        "look_then_write": 1,
        "paid_after_expiry": 1,
        "freed_twice": 1,
        "paid_in_memory": 5,
        "numbers_come_again": 4,
    },
}
DEAR = {"no_write_back", "local_clock", "undo_overtakes", "commits_first", "numbers_come_again"}
"""What takes seconds to find and to shrink: each protocol has others that are found at once, and soak finds all."""
LARGEST_CASE = 15
"""Requests and faults together, of the median."""


def _experiment(protocol: str) -> Experiment[Any]:
    found: Experiment[Any] = importlib.import_module(f"planted_{protocol}").experiment
    return found


def _bugs() -> list[tuple[str, str]]:
    return [(protocol, bug) for protocol, bugs in FOUND_ON.items() for bug in bugs]


def test_there_are_six_protocols_with_five_wrong_designs_each() -> None:
    assert len(FOUND_ON) == 6
    for protocol, bugs in FOUND_ON.items():
        assert [*bugs, "correct"] == list(_experiment(protocol).designs)
        assert len(bugs) == 5


@pytest.mark.parametrize(("protocol", "bug"), [(protocol, bug) for protocol, bug in _bugs() if bug not in DEAR])
def test_a_planted_bug_is_found_and_its_smallest_case_is_small(protocol: str, bug: str) -> None:
    experiment = _experiment(protocol)
    found = hunt(experiment, experiment.designs[bug], range(FOUND_ON[protocol][bug], FOUND_ON[protocol][bug] + 10))
    assert found is not None
    assert found.demand.always
    assert found.case.size <= LARGEST_CASE


@pytest.mark.parametrize("protocol", FOUND_ON)
def test_a_correct_design_passes_whatever_goes_wrong(protocol: str) -> None:
    experiment = _experiment(protocol)
    assert hunt(experiment, experiment.designs["correct"], range(2001, 2006), count=8) is None


def test_grading_fails_a_planted_bug_with_its_case_and_passes_the_correct_design() -> None:
    experiment = _experiment("payments")
    wrong = grade(experiment, experiment.designs["look_then_store"], [FOUND_ON["payments"]["look_then_store"]])
    assert not wrong.passed
    assert wrong.failing == "yours.charged_twice == 0"
    assert wrong.case is not None
    assert wrong.case.size <= 5
    assert grade(experiment, experiment.designs["correct"], [1]).passed


@pytest.mark.soak
def test_every_planted_bug_is_found_within_fifty_seeds_and_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    sizes, lines = [], []
    for protocol, bug in _bugs():
        experiment = _experiment(protocol)
        begin = time.process_time()
        found = hunt(experiment, experiment.designs[bug], range(1, 51))
        cpu_s = time.process_time() - begin
        assert found is not None, f"{protocol} {bug}"
        assert cpu_s < 60, f"{protocol} {bug}"
        sizes.append(found.case.size)
        lines.append(
            f"{protocol:10} {bug:24} seed {found.seeds:3} trials {found.trials:5} {cpu_s:5.1f} s size {sizes[-1]:3}"
        )
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert statistics.median(sizes) <= LARGEST_CASE


@pytest.mark.soak
@pytest.mark.parametrize("protocol", FOUND_ON)
def test_no_false_alarm_on_a_thousand_seeds_of_a_correct_design(protocol: str) -> None:
    experiment = _experiment(protocol)
    found = hunt(experiment, experiment.designs["correct"], range(1, 1001), count=9)
    assert found is None
