"""What `gil-convoy` notes of who computes, and that nobody goes on who has nobody to compute for."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from windtunnel.catalogue.concurrency.gil_convoy import elsewhere, least_share, overlap, pinger
from windtunnel.catalogue.concurrency.gil_convoy.pinger import RUNS, Work

if not hasattr(os, "fork"):
    pytest.skip("nothing is forked here", allow_module_level=True)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that the test moves."""
    now = SimpleNamespace(ns=10**9)
    monkeypatch.setattr(pinger, "time", SimpleNamespace(perf_counter_ns=lambda: now.ns, perf_counter=lambda: 0.0))
    return now


def turns(work: Work, clock: SimpleNamespace, count: int, long_ns: int, unit_ns: int = 30_000) -> None:
    """Two workers compute by turns."""
    for turn in range(count):
        for _ in range(long_ns // unit_ns):
            clock.ns += unit_ns
            work.unit(turn % 2)


def test_turns_of_the_shortest_interval_that_may_be_asked_for_do_not_overlap(clock: SimpleNamespace) -> None:
    work = Work("python", 2, 20)
    turns(work, clock, 40, 250_000)
    assert overlap(work.seen(0)["runs"]) == 0.0
    assert [len(runs) for runs in work.seen(0)["runs"]] == [20, 20]


def test_two_that_compute_at_a_time_do_overlap(clock: SimpleNamespace) -> None:
    work = Work("python", 2, 20)
    for _ in range(100):
        clock.ns += 30_000
        work.unit(0)
        work.unit(1)
    assert overlap(work.seen(0)["runs"]) == 1.0


def test_runs_beyond_those_that_are_noted_make_no_run_longer(clock: SimpleNamespace) -> None:
    work = Work("python", 1, 20)
    work.work = int
    for _ in range(RUNS + 100):
        clock.ns += 200_000
        work.unit(0)
    runs = work.seen(0)["runs"][0]
    assert len(runs) == RUNS
    assert all(begin == end for begin, end in runs)
    assert work.units() == [RUNS + 100]


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def gone() -> int:
    """The number of a process that has ended."""
    child = os.fork()
    if child == 0:
        os._exit(0)
    ended(child)
    return child


@pytest.mark.parametrize("left", ["nobody talks", "long over", "neither"])
def test_who_computes_elsewhere_ends_in_a_unit_where_nobody_waits_for_it(left: str) -> None:
    work = Work("python", 1, 10)
    if left == "nobody talks":
        work.talks = gone()
    if left == "long over":
        work.latest = 0.0
    child = os.fork()
    if child == 0:
        work.unit(0)
        os._exit(0)
    assert ended(child) == (0 if left == "neither" else 1)


def test_a_worker_counts_as_elsewhere_in_another_process_alone() -> None:
    here = {"here": 7, "of": [7, 0, 9]}
    assert elsewhere([here, {"here": 7, "of": [7, 8, 7]}]) == 2


def test_who_computes_least_is_told_beside_what_one_computes_on_average() -> None:
    assert least_share([[100, 0], [90, 10]]) == 0.1
    assert least_share([[50, 50], [70, 30]]) == 0.8
    assert least_share([[0, 0], [0, 0]]) == 0.0


def test_a_process_is_there_until_somebody_has_waited_for_it() -> None:
    assert pinger.there(os.getpid())
    assert not pinger.there(gone())
