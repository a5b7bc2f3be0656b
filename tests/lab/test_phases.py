"""A phase map finds the edge that is known, as finely as it says, whoever runs it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers.commands import add_toy_shop, call
from helpers.toy_shop import experiment
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Claim, Map
from windtunnel.lab.phases import PhaseMap, axis, phase_map
from windtunnel.ui.mapping import drawn

SOLD_OUT = Claim("one_step.sold == params.stock", "Who has more buyers than tickets sells them all.")
"""True wherever there are as many buyers as tickets: the edge is a line that is known to the ticket."""


def mapped(claim: Claim = SOLD_OUT, **options: Any) -> PhaseMap:
    x, y = axis(experiment, "buyers", 1, 101), axis(experiment, "stock", 0, 100)
    given = {"cells": 5, "seeds": 2, "jobs": 1, **options}
    return phase_map(experiment, x, y, claim, **given)


@pytest.fixture(scope="module")
def usual() -> PhaseMap:
    return mapped()


def test_a_cell_holds_where_the_claim_does_and_every_edge_is_where_it_is_known_to_be(usual: PhaseMap) -> None:
    found = usual
    assert [(c.x, c.y) for c in found.cells[:6]] == [(1, 0), (26, 0), (51, 0), (76, 0), (101, 0), (1, 25)]
    for cell in found.cells:
        assert cell.claimed
        assert cell.state == ("holds" if cell.x >= cell.y else "fails")
    assert {edge.along for edge in found.edges} == {"x", "y"}
    for edge in found.edges:
        assert edge.within <= 0.02 * 100 / 2
        there = edge.y if edge.along == "x" else edge.x
        here = edge.x if edge.along == "x" else edge.y
        assert abs(here - there) <= edge.within + 0.5
    assert found.exit_status == 1


def test_a_line_of_theory_costs_no_run_and_falls_on_the_edge(usual: PhaseMap) -> None:
    plain, told = usual, mapped(line="buyers >= stock")
    assert (plain.runs, plain.line) == (told.runs, [])
    assert len(told.line) > 5
    assert all(abs(buyers - stock) <= 0.5 for buyers, stock in told.line)


def test_a_line_that_turns_back_between_the_ends_is_drawn_twice() -> None:
    found = mapped(line="0.4 * stock <= buyers and buyers <= 0.8 * stock", cells=6)
    turns = [x for x, y in found.line if y == 100]
    assert turns == [39.5, 80.5]


UNTOLD = Claim("params.buyers + 0 / max(0, abs(params.buyers - 55) - 5) > 60", "From 50 to 60 it divides by nothing.")


def test_a_third_state_between_two_neighbours_has_an_edge_on_either_side() -> None:
    found = mapped(UNTOLD, cells=2, seeds=1)
    assert {cell.state for cell in found.cells} == {"fails", "holds"}
    edges = [(e.x, e.before, e.after) for e in found.edges if e.y == 0]
    assert [states for _, *states in edges] == [["fails", "unknown"], ["unknown", "holds"]]
    assert [x for x, *_ in edges] == pytest.approx([49.5, 60.5], abs=1.5)
    axes = axis(experiment, "buyers", 1, 101), axis(experiment, "stock", 0, 100)
    rows = ["".join(text for text, _ in row) for row in drawn(found, axes, 80)]
    row = next(text for text in rows if text.startswith("   0│")).partition("│")[2]
    assert (row.count("×"), row.count("?"), row.count("█")) == pytest.approx((35, 8, 29), abs=2)
    assert row == "".join(sorted(row, key="×?█".index))


def test_what_a_user_sets_goes_before_what_a_claim_is_given() -> None:
    found = mapped(replace(SOLD_OUT, given={"rate": 7.0}), params={"rate": 9.0}, cells=2)
    assert found.params["rate"] == 9.0


def test_what_cannot_be_drawn_is_said_before_anything_runs() -> None:
    def told(*_: object) -> None:
        raise AssertionError("It ran.")

    for wrong in ("stok > 1", "naive.sold > 1", "3", "stock >"):
        with pytest.raises(WrongInput):
            mapped(line=wrong, progress=told)


def test_a_claim_is_drawn_beyond_where_it_is_made_and_keeps_its_own_setting() -> None:
    found = mapped(replace(SOLD_OUT, where="stock < 40", given={"rate": 7.0, "stock": 9}))
    assert {cell.claimed for cell in found.cells if cell.y > 40} == {False}
    assert {cell.state for cell in found.cells if not cell.claimed} == {"holds", "fails"}
    assert found.params["rate"] == 7.0
    assert "stock" not in found.params


def test_a_map_is_the_same_in_one_process_and_in_two() -> None:
    one, two = (mapped(cells=3, within=0.3, jobs=jobs) for jobs in (1, 2))
    assert one.edges
    assert (one.cells, one.edges) == (two.cells, two.edges)


def test_what_is_true_on_some_seeds_is_neither_and_what_means_leave_open_is_unknown() -> None:
    few = Claim("naive.sold % 2 == 0", "An even number by luck.")
    states = {cell.state for cell in mapped(few, seeds=6, cells=7).cells}
    assert "mixed" in states
    open_ = Claim("naive.oversold > one_step.oversold", "Perhaps.", over="mean")
    states = {cell.state for cell in mapped(open_, seeds=2).cells}
    assert "unknown" in states


def test_a_logarithmic_axis_has_its_middle_at_the_root_of_its_ends() -> None:
    found = axis(experiment, "rate", 1, 10_000, logged=True)
    assert found.at(0.5) == pytest.approx(100)
    assert found.share(found.at(0.25)) == pytest.approx(0.25)
    assert axis(experiment, "buyers", 1, 4).grid(12) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("name", "ends", "sentence"),
    [
        ("rate", (), "rate has no bounds of its own; say between what"),
        ("stok", (), "There is no parameter stok; did you mean stock?"),
        ("stock", (7, 7), "stock goes from 7 to 7; the first must be less"),
        ("stock", (0, 2000), "stock is 2000; it can be 0 to 1,000"),
        ("rate", (1, "inf"), "rate goes from 1.0 to inf; a map is drawn between numbers"),
        ("rate", (1, 10**400), "rate goes from 1.0 to inf; a map is drawn between numbers"),
        ("rate", (1, "nan"), "rate is nan; it can be"),
    ],
)
def test_an_axis_that_cannot_be_drawn_is_refused(name: str, ends: tuple[object, ...], sentence: str) -> None:
    with pytest.raises(WrongInput, match=sentence):
        axis(experiment, name, *ends)


# --- the command -------------------------------------------------------------------------------------------------
@pytest.fixture(autouse=True)
def _a_toy_in_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    add_toy_shop(monkeypatch)


AXES = ("--over", "buyers=1..101", "--over", "stock=0..100", "--cells", "3", "--seeds", "1", "--jobs", "1")


def test_a_map_is_drawn_with_its_edge_its_line_and_its_cost(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "map.json"
    asked = ("map", "toy-shop", *AXES, "--claim", "one_step.sold ==", "--line", "buyers >= stock", "--out", str(out))
    status, said, _ = call(capsys, *asked)
    assert status == 1
    assert "looking and writing is one step" in said
    assert "┃ theory: where buyers >= stock turns" in said
    assert "× fails" in said
    assert "█ holds" in said
    assert json.loads(out.read_text("utf-8"))["x"] == "buyers"
    status, said, _ = call(capsys, *asked, "--json")
    assert json.loads(said)["cells"][0] == {"x": 1, "y": 0, "state": "holds", "claimed": True}


def test_where_all_is_alike_no_edge_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    status, said, _ = call(capsys, "map", "toy-shop", *AXES, "--claim", "one_step.ops > 0")
    assert status == 0
    assert said.endswith("runs; no edge\n")


def test_an_experiment_has_a_map_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Map("one_step.sold == params.stock", "buyers", "stock", (1, 101), (0, 100), "buyers >= stock")
    monkeypatch.setattr("helpers.toy_shop.experiment", replace(experiment, maps=(own,)))
    status, said, _ = call(capsys, "map", "toy-shop", "--cells", "2", "--seeds", "1", "--jobs", "1")
    assert status == 1
    assert "theory: where buyers >= stock turns" in said
    status, _, err = call(capsys, "map", "toy-shop", "--log", "rate")
    assert (status, err) == (2, "--log is rate, which is no axis of this map.\n")


def test_where_nothing_is_claimed_a_condition_can_be_drawn(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helpers.toy_shop.experiment", replace(experiment, claims=()))
    status, _, err = call(capsys, "map", "toy-shop", *AXES)
    assert (status, err) == (2, "toy-shop claims nothing; say a condition to draw, with --claim.\n")
    status, said, _ = call(capsys, "map", "toy-shop", *AXES, "--claim", "one_step.sold == params.stock")
    assert status == 1
    assert "Asked on the command line." in said


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ((), "toy-shop has no map of its own; say --over twice"),
        (("--over", "stock") * 3, "A map is over two parameters, and --over was given 3 times"),
        (("--over", "stock", "--over", "stock"), "Both axes are stock; a map is over two parameters."),
        (("--over", "stock=3", "--over", "buyers"), "--over is stock=3; it takes a parameter"),
        ((*AXES, "--log", "rate"), "--log is rate, which is no axis of this map."),
        ((*AXES, "--log", "stock"), "stock begins at 0, and a logarithmic axis begins above 0."),
        ((*AXES, "--claim", "naive"), "3 claims of toy-shop have 'naive' in them; say more of one."),
        ((*AXES, "--claim", "one_step.sold >"), "The claim 'one_step.sold >' cannot be read"),
        ((*AXES, "--claim", "oversoled"), "No claim of toy-shop has that in it."),
        ((*AXES, "--claim", "nobody.sold > 1"), "There is no design nobody"),
        ((*AXES, "--set", "cells=3"), "There is no parameter cells"),
        ((*AXES, "--set", "stock=5"), "stock is an axis of the map and has a value beside it"),
    ],
)
def test_a_map_that_cannot_be_drawn_is_one_sentence(
    asked: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = call(capsys, "map", "toy-shop", *asked)
    assert status == 2
    assert sentence in err
    assert err.count("\n") == 1
