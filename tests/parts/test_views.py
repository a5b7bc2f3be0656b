"""Views: counts that a person can check by hand, and shares that agree with the percentiles."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from windtunnel import Event, History
from windtunnel.parts import answered, goodput, nines, per_second, rate, share_of, slower_than, so_far

HISTORY = History(
    [
        Event("a", "ask", (), 0.0, 0.5, "ok"),
        Event("a", "ask", (), 0.0, 0.9, "fail"),
        Event("b", "ask", (), 0.2, 1.0, "ok"),
        Event("b", "ask", (), 0.2, 1.5, "unknown"),
        Event("b", "ask", (), 0.2, 7.0, "ok"),
    ]
)


def test_answers_are_counted_by_the_second_of_the_answer() -> None:
    assert answered(HISTORY) == [0.5, 1.0, 7.0]
    assert goodput(HISTORY, 3.0) == [(0.0, 1.0), (1.0, 1.0), (2.0, 0.0)]
    assert per_second([], 2.0) == [(0.0, 0.0), (1.0, 0.0)]
    assert rate([0.5, 1.0, 7.0], 0.5, 1.0) == 2.0
    assert rate([0.5], 1.0, 1.0) == 0.0


def test_the_share_of_those_that_are_so() -> None:
    assert share_of(n > 2 for n in (1, 2, 3, 4)) == 0.5
    assert share_of([]) == 0


def test_how_often_so_far() -> None:
    assert so_far([2.0, 1.0, 2.0]) == [(1.0, 1.0), (2.0, 2.0), (2.0, 3.0)]


samples = st.lists(st.floats(0.001, 1000.0), min_size=1, max_size=200)


@given(samples)
def test_the_share_that_is_slower_begins_with_all_and_ends_with_one(values: list[float]) -> None:
    line = slower_than(values)
    assert line[0] == (min(values), 1.0)
    assert line[-1][0] == max(values) if len(values) == 1 else line[-1][1] >= 1 / len(values)
    for x, part in line:
        assert sum(v > x for v in values) <= part * len(values) <= sum(v >= x for v in values) + 1e-6


@given(samples)
def test_all_but_one_in_so_many_stay_below(values: list[float]) -> None:
    line = nines(values)
    assert line[0] == (1.0, min(values))
    assert [y for _, y in line] == sorted(y for _, y in line)
    for x, y in line:
        assert sum(v < y for v in values) <= (1 - 1 / x) * len(values) + 1e-6


def test_of_nothing_there_is_nothing_to_show() -> None:
    assert slower_than([]) == nines([]) == so_far([]) == []
    assert answered([]) == []


def test_a_share_stands_where_so_many_are_slower() -> None:
    shares = {share for _, share in slower_than([float(i) for i in range(1, 1001)])}
    assert min(shares, key=lambda share: abs(share - 0.1)) == pytest.approx(0.1, abs=0.02)
