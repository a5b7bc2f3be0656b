"""Charts are values first: what a kind's rows hold, what a result keeps of them, and what is asked and explained."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from helpers.toy_shop import experiment
from windtunnel.lab.asks import Ask, Why
from windtunnel.lab.charts import CELLS, COLUMNS, POINTS, Chart, values
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.history import History
from windtunnel.lab.result import Result
from windtunnel.lab.run import run

ROWS: dict[str, tuple[Any, ...]] = {
    "lines": (1, 2.0),
    "bars": ("naive", 2.0),
    "heat": (0.2, 5.0, 1.0),
    "space-time": ("a", 0.0, "b", 0.25, "hello"),
    "gantt": ("worker 1", 0.0, 0.5, "busy"),
    "graph": ("0", "1", "A takes it", "ends well"),
}
NOTHING = History(())


def chart(kind: Any, rows: list[tuple[Any, ...]], **more: Any) -> Chart:
    return Chart("A chart", "x", "y", lambda history, params: {"it": rows}, kind=kind, **more)


@pytest.mark.parametrize("kind", COLUMNS)
def test_each_kind_keeps_its_rows_through_a_result(kind: str) -> None:
    charted = replace(experiment, charts=(chart(kind, [ROWS[kind]] * 3), chart("lines", [(math.nan, math.inf)])))
    found = Result.from_json(run(charted, seeds=2, jobs=1).to_json())
    assert [c.kind for c in found.charts] == [kind, "lines"]
    first, second = found.of("naive")
    assert first.charts[0] == {"it": [ROWS[kind]] * 3}
    assert math.isnan(first.charts[1]["it"][0][0])
    assert first.charts[1]["it"][0][1] == math.inf
    assert second.charts == []


def test_charts_are_the_same_from_worker_processes() -> None:
    assert run(experiment, jobs=2).of("naive")[0].charts == run(experiment, jobs=1).of("naive")[0].charts


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_row_of_another_shape_is_one_sentence(kind: str) -> None:
    with pytest.raises(WrongInput, match=rf"its chart 'A chart' raised ValueError: .* a {kind} chart takes \("):
        run(replace(experiment, charts=(chart(kind, [(1.0,)]),)), seeds=1, jobs=1)


def test_a_result_keeps_so_much_and_no_more() -> None:
    assert len(values(chart("lines", [(i, i) for i in range(10_000)]), NOTHING, None)["it"]) == POINTS
    assert len(values(chart("gantt", [ROWS["gantt"]] * 10_000), NOTHING, None)["it"]) == POINTS
    with pytest.raises(ValueError, match="a heat map takes 5,000 at most"):
        values(chart("heat", [ROWS["heat"]] * (CELLS + 1)), NOTHING, None)
    with pytest.raises(ValueError, match="a graph takes 5,000 at most"):
        values(chart("graph", [ROWS["graph"]] * (CELLS + 1)), NOTHING, None)


def test_a_kind_or_an_axis_that_there_is_not_is_refused() -> None:
    with pytest.raises(WrongInput, match=r"kind 'pie'; it can be lines, bars, heat, space-time, gantt, graph\."):
        chart("pie", [])
    with pytest.raises(WrongInput, match="log='z'"):
        chart("lines", [], log="z")


def test_what_is_asked_is_answered_by_the_run() -> None:
    found = run(experiment, jobs=1)
    (asked,) = found.asks
    assert asked.mean == found.interval("naive", "sold").mean
    assert asked.mean_low < asked.mean < asked.mean_high
    assert (asked.unit, asked.log) == ("tickets", True)
    (why,) = found.why
    assert (why.sentence, why.verdict) == ("Two look before one writes.", "holds")


def test_what_is_asked_of_a_design_that_did_not_run_is_not_answered() -> None:
    found = run(experiment, designs=["one_step"], seeds=1, jobs=1)
    assert math.isnan(found.asks[0].mean)
    assert found.asks[0].note == "naive did not run"
    assert found.why[0].verdict == "skipped"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("How many.", "a.x", "", 0, 1), "end it with a question mark"),
        (("How many?", "a.x", "", 1, 1), "low must be below high"),
        (("How many?", "a.x", "", 0, 1, True), "must begin above 0"),
    ],
)
def test_a_question_without_a_scale_is_refused(arguments: Any, sentence: str) -> None:
    with pytest.raises(WrongInput, match=sentence):
        Ask(*arguments)


def test_a_sentence_names_the_claim_that_holds_it() -> None:
    loose = replace(experiment, why=(Why("So it is.", "naive.sold > 10"),))
    assert run(loose, seeds=1, jobs=1).why[0].verdict == "skipped"
