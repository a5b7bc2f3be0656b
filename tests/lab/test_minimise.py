"""Shrinking ends with a list that fails and from which nothing can be taken."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from windtunnel.lab.grading.minimise import minimise


@given(st.sets(st.integers(0, 99), min_size=1, max_size=5), st.integers(100, 300))
def test_what_is_left_is_just_what_the_failure_needs(needed: set[int], size: int) -> None:
    assert minimise(range(size), lambda items: needed <= set(items)) == sorted(needed)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=60))
def test_no_item_can_be_left_out_even_where_the_failure_is_not_monotone(numbers: list[int]) -> None:
    def fails(items: list[int]) -> bool:
        return sum(items) % 7 == sum(numbers) % 7

    smallest = minimise(numbers, fails)
    assert fails(smallest)
    assert not any(fails(smallest[:i] + smallest[i + 1 :]) for i in range(len(smallest)))


def test_a_thousand_clients_become_two_in_few_tries() -> None:
    asked = []

    def fails(items: list[int]) -> bool:
        asked.append(len(items))
        return 17 in items and 940 in items

    assert minimise(range(1000), fails) == [17, 940]
    assert len(asked) < 100


def test_out_of_tries_the_smallest_so_far_is_returned() -> None:
    smallest = minimise(range(1000), lambda items: {3, 500} <= set(items), tries=4)
    assert {3, 500} <= set(smallest)
    assert len(smallest) < 1000


def test_a_list_that_does_not_fail_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to make smaller"):
        minimise([1, 2], lambda items: False)
