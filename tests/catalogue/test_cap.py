"""cap: carts merge in any order, versions forget what they have seen, a majority register holds on every seed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from windtunnel.catalogue.scale.cap import Params, experiment
from windtunnel.catalogue.scale.cap.claims import first_answer_ms
from windtunnel.catalogue.scale.cap.designs import Sloppy
from windtunnel.catalogue.scale.cap.judging import measure, verdicts
from windtunnel.catalogue.scale.cap.replicas import LARGE, REPLICAS, SMALL, Both, Version, contents, newest_of
from windtunnel.lab.params import make, settings
from windtunnel.lab.running.work import drive, workload
from windtunnel.lab.stage import SimStage

ITEMS = st.sampled_from(["a", "b", "c"])
NUMBERS = st.integers(0, 6)
CARTS = st.builds(
    lambda adds, removed: (frozenset(adds), frozenset(removed)),
    st.sets(st.tuples(ITEMS, NUMBERS)),
    st.sets(NUMBERS),
)
VERSIONS = st.lists(st.tuples(st.frozensets(NUMBERS), st.frozensets(ITEMS)))


def joined(one: Both, other: Both) -> Both:
    return one[0] | other[0], one[1] | other[1]


@given(CARTS, CARTS, CARTS)
def test_carts_are_joined_in_any_order_and_as_often_as_one_likes(one: Both, other: Both, third: Both) -> None:
    assert joined(joined(one, other), third) == joined(other, joined(third, one))
    assert joined(one, joined(one, other)) == joined(one, other)


@given(CARTS, CARTS)
def test_an_add_that_nobody_has_seen_survives_the_removal_of_others(one: Both, other: Both) -> None:
    adds, _ = other
    new = ("new", 99)
    removed_all = adds, frozenset(number for _, number in adds)
    assert "new" in contents(joined((one[0] | {new}, one[1]), removed_all))
    assert contents(removed_all) == frozenset()


def test_an_item_that_was_taken_out_may_be_put_in_again() -> None:
    assert contents((frozenset({("a", 1)}), frozenset({1}))) == frozenset()
    assert contents((frozenset({("a", 1), ("a", 2)}), frozenset({1}))) == {"a"}


@given(VERSIONS)
def test_of_versions_those_are_kept_that_no_other_has_seen(versions: list[Version]) -> None:
    kept = newest_of(versions)
    assert newest_of((*kept, *versions)) == kept
    assert all(any(one[0] <= other[0] for other in kept) for one in versions)
    assert not any(one[0] < other[0] for one in kept for other in kept)


def test_the_first_of_one_way_there_and_back_takes_twice_one_way() -> None:
    assert 1.6 < first_answer_ms(10.0) / 10.0 < 2.0, "the first of three is a little sooner than two ways in the middle"
    assert first_answer_ms(10.0, 2) == pytest.approx(2 * first_answer_ms(10.0), rel=0.03)


def wrong(design: str, trouble: str, seed: int, **given: object) -> int:
    """Pages of a run that no order explains."""
    small = settings(experiment.params, {**experiment.quick, "trouble": trouble, **given})
    p = make(experiment.params, small)
    history = drive(experiment, "sim", design, seed, p, workload(experiment, p, seed), experiment.faults_for(p))
    found = [one.status for one in verdicts(history).values()]
    assert "unknown" not in found
    return found.count("invalid")


TROUBLES = ("none", "cut", "one way", "flapping", "bridge", "slow")


def test_the_majority_register_is_linearizable_on_every_seed() -> None:
    assert [wrong("majority", TROUBLES[seed % len(TROUBLES)], seed) for seed in range(20)] == [0] * 20


@pytest.mark.soak
def test_the_majority_register_is_linearizable_on_a_thousand_seeds() -> None:
    for seed in range(1000):
        for design in ("majority", "each_its_own"):
            assert wrong(design, TROUBLES[seed % len(TROUBLES)], seed) == 0


@pytest.mark.parametrize("design", ["one_flag", "sloppy", "merged"])
def test_who_answers_alone_is_caught_with_a_few_requests(design: str) -> None:
    p = replace(Params(), calm_s=1.0, trouble_s=2.0)
    history = drive(experiment, "sim", design, 0, p, workload(experiment, p, 0), experiment.faults_for(p))
    broken = [one for one in verdicts(history).values() if one.status == "invalid"]
    assert broken
    assert all(1 < len(one.witness) <= 6 for one in broken)


def test_overlap_alone_is_caught_while_one_way_is_slow() -> None:
    assert sum(wrong("overlapping", "slow", seed, rate=40.0, writes=0.1, carts=0.0) for seed in range(3)) > 0
    assert sum(wrong("majority", "slow", seed, rate=40.0, writes=0.1, carts=0.0) for seed in range(3)) == 0


@pytest.mark.parametrize("trouble", ["none", "cut"])
def test_who_asks_far_copies_waits_long_enough_to_see_what_is_in_a_cart(trouble: str) -> None:
    small = settings(experiment.params, {**experiment.quick, "trouble": trouble, "far_ms": 60.0})
    p = make(experiment.params, small)
    history = drive(experiment, "sim", "sloppy", 1, p, workload(experiment, p, 1), experiment.faults_for(p))
    found = measure(history, p)
    assert (found["lost_adds"], found["apart"], found["calm_refused"]) == (0, 0, 0)


PAGE = next(page for page in map("page {}".format, range(20)) if sum(page.encode()) % REPLICAS == LARGE[0])
"""Its three homes are those in the larger data centre."""


def sloppy() -> tuple[SimStage, Sloppy]:
    stage = SimStage(5)
    design = Sloppy(stage, Params())
    stage.sim.run(until=0.5)
    return stage, design


def shown(design: Sloppy) -> set[object]:
    return {design.replicas[i].cell(PAGE)[1] for i in LARGE}


def test_what_was_kept_for_those_who_were_away_is_brought_to_them_though_nobody_reads() -> None:
    stage, design = sloppy()
    cut = stage.network.partition([f"replica {i}" for i in SMALL])
    stage.sim.run(until=1.5)
    written = design.write(0, PAGE, "text 1")
    stage.sim.run(until=3.0)
    assert written.exception() is None
    assert (shown(design), sum(len(one.hints) for one in design.replicas)) == ({None}, 6)
    cut.heal()
    stage.sim.run(until=5.0)
    assert (shown(design), sum(len(one.hints) for one in design.replicas)) == ({"text 1"}, 0)


def test_a_write_that_meets_a_cut_before_it_is_noticed_is_kept_by_two_before_it_is_told() -> None:
    stage, design = sloppy()
    stage.network.partition([f"replica {i}" for i in SMALL])
    written = design.write(0, PAGE, "text 1")
    stage.sim.run(until=3.0)
    assert written.exception() is None
    assert [design.replicas[i].cell(PAGE)[1] for i in SMALL] == ["text 1"] * 2
    assert shown(design) == {None}


def test_a_hint_is_kept_where_nobody_says_that_it_has_come() -> None:
    stage, design = sloppy()
    cut = stage.network.partition([f"replica {i}" for i in SMALL], one_way=True)
    design.write(0, PAGE, "text 1")
    stage.sim.run(until=2.0)
    assert shown(design) == {None}, "who is heard does not hear"
    cut.heal()
    stage.sim.run(until=4.0)
    assert shown(design) == {"text 1"}


def test_who_reads_what_one_home_lacks_brings_it_there() -> None:
    stage, design = sloppy()
    for i in LARGE[1:]:
        design.replicas[i].keep(PAGE, ((9.0, 0, 1), "text 1"))
    reads = [design.read(LARGE[0], PAGE) for _ in range(3)]
    stage.sim.run(until=2.0)
    assert {read.result() for read in reads} == {"text 1"}
    assert shown(design) == {"text 1"}
