"""Charts of every kind as text, and a table that keeps all designs beside each other."""

from __future__ import annotations

import io
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from rich.text import Text

from windtunnel.lab.charts import Drawn
from windtunnel.lab.statistics import Interval
from windtunnel.ui import terminal
from windtunnel.ui.drawings import drawing
from windtunnel.ui.grid import side_by_side

Rows = dict[str, list[tuple[Any, ...]]]


def drawn(kind: str, named: Rows, width: int = 60, log: str = "") -> list[str]:
    found = drawing(Drawn("A chart", "second", "things", log, kind), named, width)
    return [] if found is None else found.plain.splitlines()


def test_bars_are_as_long_as_their_values() -> None:
    lines = drawn("bars", {"naive": [("p99", 40.0)], "best": [("p99", 10.0)]})
    naive, best = (next(line for line in lines if f" {name}" in line).count("█") for name in ("naive", "best"))
    assert naive == pytest.approx(4 * best, abs=2)


def test_a_map_has_a_cell_for_each_value() -> None:
    lines = drawn("heat", {"naive": [(x, y, float(x + y)) for x in (1.0, 2.0) for y in (1.0, 2.0)]})
    assert [line.split("│")[1] for line in lines[1:3]] == ["▒▒▒▒▒▒██████", "······▒▒▒▒▒▒"]
    assert lines[-1] == "· 2  ▒ 3  █ 4"


def test_a_map_of_misses_is_red_between_its_edges_and_a_word_where_nothing_is_missed() -> None:
    middles = (-15.0, -5.0, 5.0, 15.0)
    missed = [(x, y, 4.0 if x == y == -5.0 else 0.0) for x in middles for y in middles]
    named = {"all": [(x, y, 0.0) for x, y, _ in missed], "own": [(x + 0.5, y + 0.5, v) for x, y, v in missed]}
    found = drawing(Drawn("A chart", "km", "km", "", "misses"), named, 60)
    assert found is not None
    lines = found.plain.splitlines()
    assert lines[0] == "all: none"
    assert [line.split("│")[0].strip() for line in lines[2:6]] == ["20.5", "", "", "-19.5"]
    assert lines[6].split() == ["-19.5", "20.5"]
    assert {span.style for span in found.spans if "····" in found.plain[span.start : span.end]} == {"red"}


def test_a_message_is_an_arrow_between_two_things() -> None:
    lines = drawn("space-time", {"naive": [("a", 0.0, "b", 0.25, "ask"), ("b", 0.5, "a", 0.5, "answer")]})
    assert "──▶" in lines[2]
    assert lines[2].endswith("ask (250 ms)")
    assert "◀──" in lines[3]


def test_a_message_that_is_wrong_has_a_sign() -> None:
    rows = [("a", 0.0, "b", 0.25, "ask", ""), ("b", 0.5, "a", 0.5, "answer", "✗")]
    lines = drawn("space-time", {"naive": rows})
    assert lines[2].endswith("ask (250 ms)")
    assert lines[3].endswith("│  ✗ answer")


def test_who_is_busy_when_is_a_row_a_thing() -> None:
    lines = drawn("gantt", {"naive": [("worker 1", 0.0, 1.0, "busy"), ("worker 2", 1.0, 2.0, "idle")]})
    busy, idle = lines[1].partition("│")[2], lines[2].partition("│")[2]
    assert busy.startswith("●●●")
    assert busy.rstrip().count("●") < 40
    assert idle.startswith("   ")
    assert idle.endswith("×××")


def test_a_graph_is_counted_by_steps_and_its_last_kind_is_marked() -> None:
    steps = [("0", "1", "A", "well"), ("0", "2", "B", "well"), ("1", "3", "B", "well"), ("2", "3", "A", "loses")]
    lines = drawn("graph", {"naive": steps, "best": steps[:1]})
    assert lines[:4] == ["naive │  2  2", "      │  ●  ×", "best  │  1", "      │  ●"]
    assert lines[4].split() == ["●", "well", "×", "loses"]
    long = [(str(i), str(i + 1), "A", "well") for i in range(80)]
    cut = drawn("graph", {"naive": long}, 40)
    assert cut[0].endswith("  1 …")
    assert max(map(len, cut)) <= 40


@pytest.mark.parametrize("kind", ["lines", "bars", "heat", "misses", "space-time", "gantt", "graph"])
def test_nothing_is_no_chart(kind: str) -> None:
    assert drawn(kind, {"naive": []}) == []


def test_seconds_in_which_something_is_wrong_are_shaded_and_said() -> None:
    wrong = [(4.0, 6.0, "slow server to 0.1"), (9.0, inf, "crash server"), (20.0, 21.0, "pause server")]
    line = [(float(x), float(x % 2)) for x in range(11)]
    found = drawing(Drawn("A chart", "second", "things", "", "lines", wrong), {"naive": line}, 60)
    assert found is not None
    lines = found.plain.splitlines()
    grey = lines[2].count("░")
    assert 10 <= grey <= 18  # three tenths of some fifty columns, less those that the line crosses
    assert lines[-1].strip() == "░ slow server to 0.1; crash server"
    assert "░" not in "".join(drawn("lines", {"naive": line}))


def test_a_line_that_lies_under_others_is_named() -> None:
    same = [(0.0, 1.0), (1.0, 2.0)]
    assert "best (under naive)" in drawn("lines", {"naive": same, "best": list(same)})[-1]


# --- the table ---------------------------------------------------------------------------------------------------
words = st.lists(st.sampled_from(["at", "least", "queue", "connections", "p99", "goodput"]), min_size=1, max_size=4)
names = st.lists(words.map("_".join), min_size=1, max_size=6, unique=True)
numbers = st.tuples(st.floats(0, 1e7), st.floats(0, 1e5)).map(lambda t: Interval(t[0], t[0] - t[1], t[0] + t[1], 3))


def printed(rows: list[str], columns: list[str], cells: list[list[Any]], width: int) -> str:
    out = io.StringIO()
    terminal.show(side_by_side(rows, columns, cells, width), out, width=200)
    return out.getvalue()


@settings(max_examples=40, deadline=None)
@given(names, names, st.data(), st.sampled_from([40, 60, 80, 120]))
def test_it_fits_and_shows_every_number(rows: list[str], columns: list[str], data: Any, width: int) -> None:
    cells: list[list[Any]] = [[data.draw(numbers) for _ in columns] for _ in rows]
    out = printed(rows, columns, cells, width)
    firsts = [line for line in out.splitlines() if line.startswith("    ") and line.split()[0] == columns[0]]
    listed = len(firsts) == len(rows)  # not a row that is called so, which stands further to the left
    longest = 2 + max(map(len, (*rows, *columns))) + 26
    assert max(map(len, out.splitlines())) <= (max(width, longest) if listed else width)


def test_six_designs_stand_side_by_side_in_80_columns() -> None:
    designs = ["at_random", "round_robin", "least_connections", "least_by_lot", "peak_ewma", "two_choices"]
    cells: list[list[Any]] = [[Interval(1234.5, 1200.0, 1269.0, 5) for _ in designs] for _ in range(3)]
    out = printed(["latency_p99_ms", "mean_s", "down_s"], designs, cells, 80)
    assert all(any(out.splitlines()[i].count("±") == 6 for i in range(len(out.splitlines()))) for _ in cells)
    assert max(map(len, out.splitlines())) <= 80


def test_where_columns_do_not_fit_designs_become_rows() -> None:
    cells: list[list[Any]] = [[Interval(123456.0, 123400.0, 123512.0, 5) for _ in range(6)]]
    out = printed(["p99_ms"], [f"design_{i}" for i in range(6)], cells, 40)
    assert [line.split()[0] for line in out.splitlines() if "design" in line] == [f"design_{i}" for i in range(6)]


def test_signs_may_stand_beside_numbers() -> None:
    assert "✔✘" in printed(["load 0.5"], ["naive", "claims"], [[Interval(1.0, 1.0, 1.0, 2), Text("✔✘")]], 80)
