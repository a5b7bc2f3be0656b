"""The chart of characters."""

from __future__ import annotations

import math

from hypothesis import given, strategies as st

from windtunnel.ui.chart import MARKS, chart


def text(rows: list[list[tuple[str, str]]]) -> list[str]:
    return ["".join(piece for piece, _ in row) for row in rows]


points = st.lists(st.tuples(st.floats(), st.floats()), max_size=20)


@given(
    st.dictionaries(st.sampled_from(["naive", "two choices", "best"]), points), st.sampled_from(["", "x", "y", "xy"])
)
def test_it_always_fits(lines: dict[str, list[tuple[float, float]]], log: str) -> None:
    for row in text(chart(lines, ("time, s", "rate"), log)):
        assert len(row) <= 80


def test_corners_are_where_they_belong() -> None:
    rows = text(chart({"a": [(0, 0), (10, 5)]}, height=5, width=30))
    assert rows[0].endswith(MARKS[0])
    assert rows[4].lstrip(" 0┤│").startswith(MARKS[0])


def test_lines_differ_without_colours() -> None:
    rows = text(chart({"a": [(0, 0), (1, 0)], "b": [(0, 1), (1, 1)]}))
    assert rows[0].count(MARKS[1]) > 10
    assert rows[13].count(MARKS[0]) > 10


def test_nothing_to_draw_is_no_chart() -> None:
    assert chart({}) == []
    assert chart({"a": [(math.nan, 1.0)], "b": [(0.0, 1.0)]}, log_axes="x") == []


def test_a_logarithmic_axis_is_labelled_in_its_own_units() -> None:
    rows = text(chart({"a": [(1, 1), (1000, 100)]}, log_axes="xy", height=9))
    assert rows[0].split("┤")[0].strip() == "100"
    assert rows[-2].split()[-1] == "1000"
    assert rows[4].split("┤")[0].strip() == "10"
