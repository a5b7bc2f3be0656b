"""Charts are values first: what a kind's rows hold, what a result keeps of them, and what is asked and explained."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from helpers.toy_shop import experiment
from windtunnel.checkers import KeyValue, check_linearizable, missed_reads
from windtunnel.lab.asks import Ask, Why
from windtunnel.lab.charts import CELLS, COLUMNS, POINTS, Chart, values
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.history import Event, History
from windtunnel.lab.result import Result
from windtunnel.lab.run import run

ROWS: dict[str, tuple[Any, ...]] = {
    "lines": (1, 2.0),
    "bars": ("naive", 2.0),
    "heat": (0.2, 5.0, 1.0),
    "misses": (0.2, 5.0, 1.0),
    "space-time": ("a", 0.0, "b", 0.25, "hello", "✗"),
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


OLD = History(
    [
        Event("ann", "put", ("k", 1), 0.0, 1.0, "ok"),
        Event("bob", "put", ("k", 2), 2.0, 3.0, "ok"),
        Event("ann", "get", ("k",), 4.0, 5.0, "ok", 1),
        Event("cid", "get", ("other",), 4.0, 5.0, "ok", None),
    ]
)


def told(history: History, *, halves: bool = False, named: bool = True) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = [("fault", 2.0, "store", 2.0, "slow"), ("fault", 2.5, "store", 2.6, "slower")]
    for e in history:
        who = e.client if named else "somebody"
        middle = (e.start + e.end) / 2
        one, two = (who, e.start, "store", middle, e.name), ("store", middle, who, e.end, str(e.value))
        rows += [one, two] if halves else [(who, e.start, "store", e.end, e.name)]
    return rows


@pytest.mark.parametrize("halves", [False, True])
def test_messages_of_operations_that_a_checker_names_are_marked(halves: bool) -> None:
    def drawn(history: History, params: Any) -> dict[str, Any]:
        assert not check_linearizable(history, KeyValue())
        return {"it": told(history, halves=halves)}

    rows = values(Chart("A chart", "x", "y", drawn, kind="space-time"), OLD, None)["it"]
    blamed = {e.client for e in check_linearizable(OLD, KeyValue()).witness}
    assert blamed == {"ann", "bob"}
    wrong = [row for row in rows if row[5] == "✗"]
    assert wrong == [row for row in rows if blamed & {row[0], row[2]}]
    assert len(wrong) == (6 if halves else 3)
    assert {row[5] for row in rows} == {"✗", ""}


def test_reads_that_miss_something_are_marked_too_and_nothing_that_was_asked_elsewhere() -> None:
    def drawn(history: History, params: Any) -> dict[str, Any]:
        own = [e for e in history if e.client != "cid"]
        missed = missed_reads([own[0], own[1]._replace(client="ann"), own[2]], {"k": [1, 2]})
        assert len(missed["read your writes"].reads) == 1
        return {"it": told(history)}

    chart = Chart("A chart", "x", "y", drawn, kind="space-time")
    assert [row[:2] for row in values(chart, OLD, None)["it"] if row[5]] == [("ann", 4.0)]
    assert not check_linearizable(OLD, KeyValue())
    assert not any(row[5] for row in values(replace(chart, lines=lambda h, p: {"it": told(h)}), OLD, None)["it"])


def test_where_clients_have_other_names_in_a_chart_the_moments_tell() -> None:
    def drawn(history: History, params: Any) -> dict[str, Any]:
        assert not check_linearizable(history, KeyValue())
        return {"it": told(History(list(history)[:3]), named=False)}

    rows = values(Chart("A chart", "x", "y", drawn, kind="space-time"), OLD, None)["it"]
    assert [row[1] for row in rows if row[5]] == [0.0, 2.0, 4.0]
    assert [row[0] for row in rows if not row[5]] == ["fault", "fault"]


def test_what_a_chart_says_itself_of_a_message_stands() -> None:
    rows = [("a", 0.0, "b", 1.0, "hello", "✗"), ("a", 1.0, "b", 2.0, "again", "")]
    assert values(chart("space-time", rows), NOTHING, None)["it"] == rows


def test_a_kind_or_an_axis_that_there_is_not_is_refused() -> None:
    with pytest.raises(
        WrongInput, match=r"kind 'pie'; it can be lines, bars, heat, misses, space-time, gantt, graph\."
    ):
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
