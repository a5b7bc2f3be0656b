"""distributed-lock: late texts as often as theory says, none behind the fence, and the library's checkers agree."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from math import exp
from random import Random
from statistics import fmean

import pytest
from hypothesis import given, settings as few, strategies as st

from windtunnel import Event, History
from windtunnel.catalogue.scale.distributed_lock import Params, experiment, stops_of
from windtunnel.catalogue.scale.distributed_lock.claims import LONG, STOPPED, late_each, written_between
from windtunnel.catalogue.scale.distributed_lock.designs import Fenced
from windtunnel.catalogue.scale.distributed_lock.desk import Program, added, editors
from windtunnel.catalogue.scale.distributed_lock.judging import edits_of, first_late, job_of, late, measure
from windtunnel.catalogue.scale.distributed_lock.programs import Programs
from windtunnel.checkers import check_fencing, check_mutex
from windtunnel.lab.params import make, settings
from windtunnel.lab.running.work import drive, workload
from windtunnel.lab.stage import SimStage
from windtunnel.sim import Simulator

HUNDREDTH: Mapping[str, object] = {"stops": 0.01, "pages": 10}
RIGHT = ("versioned", "fenced", "in_the_row")


def history_of(design: str, seed: int, **given: object) -> tuple[History, Params]:
    p = make(experiment.params, settings(experiment.params, given))
    return drive(experiment, "sim", design, seed, p, workload(experiment, p, seed), experiment.faults_for(p)), p


@given(st.lists(st.integers(1, 999), unique=True))
@few(max_examples=30)
def test_a_text_tells_who_edited_it_in_which_order(numbers: list[int]) -> None:
    text = ""
    for number in numbers:
        text = added(text, number)
    assert editors(text) == numbers


@given(st.lists(st.integers(1, 999), min_size=2, unique=True), st.data())
@few(max_examples=30)
def test_an_edit_that_is_taken_out_of_the_middle_breaks_all_seals_behind_it(
    numbers: list[int], data: st.DataObject
) -> None:
    text = ""
    for number in numbers:
        text = added(text, number)
    out = data.draw(st.integers(0, len(numbers) - 2))
    parts = text.split()
    assert editors(" ".join(parts[:out] + parts[out + 1 :])) == numbers[:out]


def lot(luck: Random, lease_s: float, work_s: float, stop_s: float, stops: float) -> bool:
    """Whether a holder that stops writes after somebody later has, holder by holder: the oracle of the closed form."""

    def first_text_s(begun_s: float) -> float:
        """When somebody who got the lock then, or who gets it later, writes first."""
        ends_s = begun_s + work_s + (luck.expovariate(1 / stop_s) if luck.random() < stops else 0.0)
        return ends_s if ends_s <= begun_s + lease_s else min(ends_s, first_text_s(begun_s + lease_s))

    mine_s = work_s + luck.expovariate(1 / stop_s)
    return mine_s > lease_s and mine_s > first_text_s(lease_s)


@pytest.mark.parametrize("stops", [0.0, 0.1, 0.4])
def test_the_closed_form_is_that_of_holders_one_after_the_other(stops: float) -> None:
    luck, many = Random(3), 10_000
    share = sum(lot(luck, 10.0, 1.0, 8.0, stops) for _ in range(many)) / many
    assert share == pytest.approx(late_each(10.0, 1.0, 8.0, stops), abs=4 * (0.25 / many) ** 0.5)


def test_theory_says_287_late_texts_of_100_000_edits_and_38_more_before_the_next_is_written() -> None:
    assert round(1000 * late_each(10.0, 1.0, 8.0)) == round(1000 * exp(-10 / 8)) == 287
    assert round(1000 * written_between(10.0, 1.0, 8.0)) == 38


def test_stops_are_of_each_part_of_the_distribution_alike() -> None:
    p = Params(edits=1000, stops=0.2)
    found = sorted(stop for stop in stops_of(p, Random(1)) if stop)
    assert len(found) == 200
    assert sum(stop > p.stop_s for stop in found) in (73, 74)
    assert fmean(found) == pytest.approx(p.stop_s, rel=0.05)


def as_many_as_theory_says(seeds: range, edits: int, stops: float, within: float) -> None:
    """As many late texts as the closed form says behind a lease, and behind a number none."""
    came = 0
    for seed in seeds:
        history, p = history_of("lease", seed, edits=edits, stops=stops, pages=10)
        came += len(late(history))
        assert late(history_of("numbered", seed, edits=edits // 2, stops=stops, pages=10)[0]) == []
    stopped = len(seeds) * edits * stops
    assert came == pytest.approx(stopped * late_each(p.lease_s, p.work_s, p.stop_s, stops), rel=within)


def none_is_lost(design: str, seeds: range, edits: int, stops: float) -> None:
    for seed in seeds:
        history, p = history_of(design, seed, edits=edits, stops=stops, pages=10)
        found = measure(history, p)
        assert (found["lost"], found["late"]) == (0, 0)
        assert found["refused"] > 0, "somebody came after another one had read"


def test_of_160_edits_as_many_come_late_as_theory_says_and_behind_a_number_none() -> None:
    as_many_as_theory_says(range(5, 6), 160, 0.4, 0.5)


@pytest.mark.parametrize(("design", "edits"), [("versioned", 800), ("in_the_row", 800), ("fenced", 400)])
def test_of_2000_edits_none_is_lost_by_a_store_that_compares_with_who_has_read(design: str, edits: int) -> None:
    none_is_lost(design, range(6, 7), edits, 0.2)


@pytest.mark.soak
def test_of_2400_edits_as_many_come_late_as_theory_says_and_behind_a_number_none() -> None:
    as_many_as_theory_says(range(5, 8), 800, 0.1, 0.2)


@pytest.mark.soak
@pytest.mark.parametrize("design", RIGHT)
def test_of_2400_edits_none_is_lost_by_a_store_that_compares_with_who_has_read(design: str) -> None:
    none_is_lost(design, range(6, 9), 800, 0.1)


@pytest.mark.soak
def test_of_100_000_edits_287_come_late_and_none_behind_the_fence() -> None:
    came = lost = 0.0
    for seed in range(125):
        came += len(late(history_of("lease", seed, edits=800, **HUNDREDTH)[0]))
        history, p = history_of("numbered", seed, edits=800, **HUNDREDTH)
        assert late(history) == []
        lost += measure(history, p)["lost_each"] * p.edits * p.stops
        for design in RIGHT:
            history, p = history_of(design, seed, edits=800, **HUNDREDTH)
            assert measure(history, p)["lost"] == 0
    assert came == pytest.approx(1000 * late_each(10.0, 1.0, 8.0, 0.01), abs=3 * 287**0.5)
    assert lost == pytest.approx(1000 * written_between(10.0, 1.0, 8.0), abs=3 * 38**0.5)


def as_locks(history: History, lease_s: float) -> History:
    """What the library's checkers of locks know: an edit begins with its lock, whose number is the order of that."""
    found = []
    events = {job_of(e).number: e for e in history}
    for order, edit in enumerate(sorted(edits_of(history), key=lambda one: one.begun_s), 1):
        who, page, e = f"job {edit.number}", f"page {edit.page}", events[edit.number]
        done_s = e.end if edit.done_s is None else edit.done_s
        found.append(Event(who, "acquire", (page,), edit.begun_s, edit.begun_s, "ok", order, edit.begun_s, 3 * order))
        found.append(Event(who, "write", (page, order), done_s, e.end, e.outcome, None, done_s, 3 * order + 1))
        found.append(Event(who, "release", (page,), e.end, e.end, "ok", None, e.end, 3 * order + 2))
    return History(sorted(found, key=lambda e: e.start), {}, history.duration)


def test_a_text_that_came_late_is_marked_where_it_is_drawn_and_one_that_is_refused_is_not() -> None:
    history, p = history_of("lease", 2, **STOPPED)
    (rows,) = first_late(history, p).values()
    taken = [row for row in rows if row[4] != "reads"]
    marked = {row[0] for row in taken if row[5] == "✗"}
    assert marked == {f"job {job}" for job in late(history)} & {row[0] for row in taken} != set()
    assert not any(row[5] for row in rows if row[4] in ("reads", "refused"))
    (rows,) = first_late(*history_of("in_the_row", 2, **STOPPED)).values()
    assert not any(row[5] for row in rows)


def test_two_programs_have_the_servers_in_common_and_what_they_remember_apart() -> None:
    stage = SimStage(3)
    one, two = Programs(Fenced(stage, Params()), stage, Params()).all
    assert isinstance(one, Fenced)
    assert isinstance(two, Fenced)
    assert two.locks[0] is one.locks[0]
    assert (two.store, two.desk, two.stage) == (one.store, one.desk, one.stage)
    assert two.until_s is not one.until_s


def test_the_checker_of_fences_finds_late_texts_where_we_do_and_that_of_locks_two_at_work() -> None:
    for design in ("lease", "numbered"):
        history, p = history_of(design, 2, **STOPPED)
        verdict = check_fencing(as_locks(history, p.lease_s))
        assert verdict.status == ("invalid" if late(history) else "valid")
        assert bool(late(history)) is (design == "lease")
        assert check_mutex(as_locks(history, p.lease_s)).status == "invalid"


def test_a_number_that_is_shown_with_the_text_alone_lets_what_was_told_done_be_lost_by_no_late_text() -> None:
    history, p = history_of("numbered", 1, **LONG)
    assert check_fencing(as_locks(history, p.lease_s)).status == "valid"
    assert measure(history, p)["lost"] > 0


def test_a_program_that_is_stopped_goes_on_where_it_was_and_is_told_then_what_came_meanwhile() -> None:
    steps: list[tuple[str, float]] = []
    sim = Simulator(1)
    host = sim.host("here")

    async def work() -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(1.0)
        steps.append(("slept", loop.time()))
        try:
            async with asyncio.timeout(2.0):
                await asyncio.sleep(5.0)
        except TimeoutError:
            steps.append(("timed out", loop.time()))

    async def main() -> None:
        program = Program(work())
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, program.stop, 2.0)
        loop.call_later(3.0, program.stop, 4.0)
        await program
        steps.append(("done", loop.time()))

    task = host.start(main)
    sim.run_until(task)
    assert steps == [("slept", 2.5), ("timed out", 7.0), ("done", 7.0)]
