"""A search along one parameter finds the turn that is known, on each seed, and says what it does not know."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from helpers.commands import add_toy_shop, call
from helpers.toy_shop import experiment
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Claim, Map
from windtunnel.lab.phases import axis
from windtunnel.lab.turning import TurningPoint, turning_point

SOLD_OUT = Claim("one_step.sold == params.stock", "Who has more buyers than tickets sells them all.")
"""It turns where there are as many tickets as buyers, on every seed."""
BY_LUCK = Claim("naive.latency_mean_ms > 10", "It turns where luck has it.", given={"stock": 1000})


def searched(
    claim: Claim = SOLD_OUT, name: str = "stock", low: float = 0, high: float = 200, **given: Any
) -> TurningPoint:
    params = {name: given.pop(name) for name in ("buyers", "stock") if name in given}
    options = {"seeds": 3, "jobs": 1, **given}
    return turning_point(experiment, axis(experiment, name, low, high), claim, params=params, **options)


def test_the_turn_is_where_it_is_known_to_be_on_every_seed() -> None:
    found = searched(buyers=77)
    assert len(found.turned) == 3
    assert all(abs(place - 77) <= 1 for place in found.turned)
    assert found.low <= found.mean <= found.high
    assert found.within <= 0.005 * 200
    assert found.exit_status == 0


def test_each_seed_has_a_turn_of_its_own_and_the_interval_is_that_of_their_mean() -> None:
    found = searched(BY_LUCK, "round_trip_s", 0.001, 0.1, seeds=6)
    assert len(set(found.turned)) > 1
    assert found.low < found.mean < found.high
    assert min(found.turned) <= found.mean <= max(found.turned)


def test_one_seed_alone_is_found_again_among_many() -> None:
    many = searched(BY_LUCK, "round_trip_s", 0.001, 0.1, seeds=4)
    assert searched(BY_LUCK, "round_trip_s", 0.001, 0.1, seeds=[2]).at == [many.at[2]]


def test_it_costs_as_many_runs_as_halvings_and_is_the_same_in_two_processes() -> None:
    assert searched(buyers=77).runs == 3 * (2 + math.ceil(math.log2(200)))
    one, two = (searched(buyers=77, within=0.25, jobs=jobs) for jobs in (1, 2))
    assert one.at == two.at
    assert one.runs == two.runs == 3 * (2 + 2)


def test_a_line_of_theory_costs_no_run_and_may_say_nothing() -> None:
    assert searched(buyers=77, line="buyers >= stock").line == pytest.approx(77, abs=1)
    assert searched(buyers=77, line="buyers >= 3").line is None


def test_a_line_that_cannot_be_read_is_said_before_anything_runs() -> None:
    def told(*_: object) -> None:
        raise AssertionError("It ran.")

    for wrong in ("stok > 1", "naive.sold > 1", "3", "stock >"):
        with pytest.raises(WrongInput):
            searched(line=wrong, progress=told)


def test_what_is_alike_at_both_ends_has_no_turn() -> None:
    found = searched(buyers=300, low=1)
    assert (found.at, found.turned) == ([None] * 3, [])
    assert math.isnan(found.mean)
    assert found.exit_status == 3


def test_the_parameter_that_is_searched_has_no_other_value() -> None:
    with pytest.raises(WrongInput, match="stock is what is searched and has a value beside it"):
        searched(stock=5)
    with pytest.raises(WrongInput, match="to a share of its axis above 0"):
        searched(within=0.0)


# --- the command -------------------------------------------------------------------------------------------------
@pytest.fixture(autouse=True)
def _a_toy_in_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    add_toy_shop(monkeypatch)


def test_one_axis_is_searched_and_drawn(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "turn.json"
    asked = ("map", "toy-shop", "--over", "stock=0..200", "--claim", "one_step.sold ==", "--set", "buyers=77")
    asked += ("--seeds", "2", "--jobs", "1", "--line", "buyers >= stock", "--out", str(out))
    status, said, _ = call(capsys, *asked)
    assert status == 0
    assert "It turns at stock = 7" in said
    assert "┃ theory: 77" in said
    assert json.loads(out.read_text("utf-8"))["x"] == "stock"
    status, said, _ = call(capsys, *asked, "--json")
    assert len(json.loads(said)["at"]) == 2
    asked = ("map", "toy-shop", "--over", "stock=1..9", "--seeds", "2", "--claim", "one_step.sold ==")
    status, said, _ = call(capsys, *asked)
    assert status == 3
    assert "On 2 of 2 seeds both ends are alike" in said


def test_a_map_of_one_axis_is_an_experiments_own_and_says_with_which_parameters(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Map("naive.sold > 2 * params.stock - 100", "stock", x_range=(1, 200), given={"buyers": 90})
    monkeypatch.setattr("helpers.toy_shop.experiment", replace(experiment, maps=(own,)))
    for over in ((), ("--over", "stock")):
        status, said, _ = call(capsys, "map", "toy-shop", *over, "--seeds", "2", "--jobs", "1", "--json")
        found = json.loads(said)
        assert status == 0
        assert (found["x_range"], found["params"]["buyers"]) == ([1, 200], 90)
