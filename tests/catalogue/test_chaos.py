"""The store of `chaos` and its ten bugs, the search among schedules, and the checker that only looks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from windtunnel import Event
from windtunnel.catalogue.scale.chaos import aspirator, bugs, replica
from windtunnel.catalogue.scale.chaos.bugs import BUGS
from windtunnel.catalogue.scale.chaos.others import asked, shared
from windtunnel.catalogue.scale.chaos.replica import Replica
from windtunnel.catalogue.scale.chaos.search import (
    MOST,
    at_random,
    compared,
    everything,
    expected,
    middle,
    read,
    search,
    shown_by,
)
from windtunnel.catalogue.scale.chaos.trial import (
    ALPHABET,
    KINDS,
    REPLICAS,
    Schedule,
    Trial,
    contradiction,
    requests_until,
    schedules,
    strike,
    trial,
)

COMMITTED = Path(__file__).parents[2] / "results" / "chaos" / "search.json"
KILLED = (strike("kill", 0, 1.0),)
BY_TRIVIAL_HANDLERS = ["swallows", "logs_only", "over_catches", "never_opens_again", "ends_at_the_start"]


def test_there_are_54_schedules_of_one_fault_and_1431_of_two() -> None:
    assert len(ALPHABET) == len(KINDS) * len(REPLICAS) * 3 == 54
    assert len(list(schedules(1))) == 54
    every = list(schedules())
    assert len(every) == len(set(every)) == 54 + 54 * 53 // 2


def test_the_right_replica_enters_its_handlers_and_keeps_the_steady_state() -> None:
    found = trial(Replica, (strike("full", 0, 1.0), strike("cut", 1, 4.0)))
    assert {"disk", "peer", "refusal"} <= set(found.met)
    assert not found.broken


def test_a_replica_whose_wrong_handler_is_not_entered_does_the_same_as_the_right_one() -> None:
    right = trial(Replica, KILLED)
    untouched = [name for name, bug in BUGS.items() if bug.handler not in right.met]
    assert len(untouched) == 7
    for name in untouched:
        assert trial(BUGS[name], KILLED).events == right.events, name


def test_the_same_seed_gives_the_same_answers_and_another_seed_others() -> None:
    assert trial(Replica, KILLED, 1) == trial(Replica, KILLED, 1)
    assert trial(Replica, KILLED, 1).events != trial(Replica, KILLED, 2).events


def test_a_search_stops_at_the_first_schedule_that_shows_each_bug() -> None:
    order = [KILLED, (strike("pause", 0, 1.0),), (strike("full", 0, 1.0), strike("full", 1, 1.0))]
    found = search(order, ["keeps_the_link", "says_no"])
    assert found.tried == {"keeps_the_link": 2, "says_no": 3}
    assert found.smallest["says_no"] == order[2]
    assert shown_by(KILLED, ["says_no"]) == ([], 1), "the right replica alone was run"


def test_a_random_search_draws_until_it_finds_or_gives_up() -> None:
    assert at_random([True], Random(0)) == 1
    assert at_random([False] * 5, Random(0)) is None
    tried = [at_random([True] + [False] * 99, Random(seed)) for seed in range(400)]
    found = sorted(MOST + 1 if one is None else one for one in tried)[200]
    assert abs(found - expected(0.01)) < 15, "the median of a geometric distribution, ln 2 / p"


def test_the_median_of_searches_that_gave_up_is_no_number_where_half_of_them_did() -> None:
    assert middle([*range(1, 16), *[None] * 5]) == (10.5, (6.0, 15.0))
    assert middle([*range(1, 10), *[None] * 11]) == (None, (6.0, None))


def test_the_checker_that_only_looks_finds_the_five_trivial_handlers() -> None:
    sources = {name: inspect.getsource(bug) for name, bug in BUGS.items()}
    assert [name for name, source in sources.items() if aspirator.findings(source)] == BY_TRIVIAL_HANDLERS
    assert len(aspirator.findings(inspect.getsource(bugs))) == 5
    assert [what for _, what in aspirator.findings(inspect.getsource(replica))] == ["suppressed"]


def test_of_six_that_are_of_its_kinds_the_checker_misses_the_one_that_is_no_except() -> None:
    kinds = {"empty", "log only", "over-catch and abort", "TODO"}
    assert [name for name, bug in BUGS.items() if bug.kind in kinds and name not in BY_TRIVIAL_HANDLERS] == [
        "trusts_its_clock"
    ]


def test_where_nobody_is_answered_those_who_were_owed_it_are_what_is_said() -> None:
    silent = Event("client 0", "get", (0, "k0"), 5.0, 5.9, "unknown", None, 5.0, 0)
    assert Trial((), (silent,), {}).broken == "1 requests were not answered that were owed an answer."
    assert not Trial((), (), {}).broken, "no verdict is no proof"


def test_another_program_sends_half_of_the_requests_and_some_of_its_puts_together_with_others() -> None:
    luck = Random(4)
    plain = list(requests_until(5.0, Random(4)))
    ops = list(shared(plain, luck))
    beside = [op for op in ops if op.name == "beside"]
    assert len(ops) == len(plain)
    assert 0.4 < len(beside) / len(ops) < 0.6
    assert {op.args[0] for op in beside} == {0, 1, 2}
    keys = {(op.at, *op.args[:2]) for op in ops if op.name == "put"}
    together = [op for op in beside if (op.at, op.args[0], op.args[2]) in keys]
    assert together
    assert all(op.args[1] == "put" for op in together)
    values = [op.args[-1] for op in ops if "put" in (op.name, op.args[1])]
    assert len(values) == len(set(values)), "who reads a value knows who wrote it"


def test_what_another_program_was_told_is_judged_with_the_rest() -> None:
    put = Event("client 0", "put", (0, "k0", 7), 0.0, 0.1, "ok", None, 0.0, 0)
    missed = Event("client 3", "beside", (0, "get", "k0"), 0.2, 0.3, "ok", None, 0.2, 1)
    assert contradiction(asked([put, missed])).status == "invalid"
    assert contradiction(asked([put, missed._replace(value=7)])).status == "valid"


HANDLERS = {
    "pass": ["empty"],
    "'a word'": ["empty"],
    "log.warning('x')": ["log only"],
    "print('x'); log.error('y')": ["log only"],
    "os._exit(1)": ["over-catch and abort"],
    "raise SystemExit(2)": ["over-catch and abort"],
    "raise": [],
    "again()  # TODO: later": ["TODO"],
    "log.error('x'); raise": [],
    "again()\n    # TODO: later": ["TODO"],
    "again()\n# TODO: elsewhere": [],
}


@pytest.mark.parametrize("body", HANDLERS)
def test_what_a_handler_does_decides_what_is_found(body: str) -> None:
    source = f"try:\n    work()\nexcept Exception:\n    {body}\n"
    assert [what for _, what in aspirator.findings(source)] == HANDLERS[body]


def test_who_ends_the_program_for_one_error_alone_is_not_suspected() -> None:
    assert not aspirator.findings("try:\n    work()\nexcept KeyError:\n    sys.exit(1)\n")


@pytest.fixture(scope="module")
def written() -> dict[str, Any]:
    """The search through all schedules as it is committed."""
    return read(COMMITTED)


def shown_where(written: dict[str, Any], wanted: Callable[[Schedule], bool]) -> list[str]:
    """The bugs that schedules of this kind show, with the first luck."""
    masks = [m for schedule, m in zip(schedules(), written["tables"][0], strict=True) if wanted(schedule)]
    return [name for place, name in enumerate(BUGS) if any(mask >> place & 1 for mask in masks)]


def test_the_search_through_all_schedules_finds_all_ten_bugs_as_the_lesson_says(written: dict[str, Any]) -> None:
    bugs = written["bugs"]
    assert list(bugs) == list(BUGS)
    assert all(bug["in_order"] for bug in bugs.values())
    assert [name for name, bug in bugs.items() if bug["lucks"] > 1] == ["swallows"]
    assert len(shown_where(written, lambda schedule: len(schedule) == 1)) == 6
    assert shown_where(written, lambda schedule: len(schedule) == 1 and schedule[0].kind == "kill") == []
    assert shown_where(written, lambda schedule: all(one.kind == "kill" for one in schedule)) == ["gives_up"]


def test_what_is_said_of_random_searches_follows_from_the_tables_of_all_schedules(written: dict[str, Any]) -> None:
    assert compared(written["tables"], written["runs"]) == written


def test_random_searches_take_what_the_share_of_schedules_foretells(written: dict[str, Any]) -> None:
    for name, bug in written["bugs"].items():
        low, high = (MOST if end is None else end for end in bug["at_random_interval"])
        assert low - 1 <= bug["at_random_expected"] <= high + 1, name


def test_a_part_of_the_table_is_as_it_is_committed(written: dict[str, Any]) -> None:
    every = list(schedules())
    for place in (16, 1400):
        names = [name for bit, name in enumerate(BUGS) if written["tables"][0][place] >> bit & 1]
        assert shown_by(every[place])[0] == names


@pytest.mark.soak
def test_the_whole_search_is_as_it_is_committed(written: dict[str, Any]) -> None:
    assert everything() == written
