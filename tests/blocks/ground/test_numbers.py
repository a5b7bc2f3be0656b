"""What counts as a number, and what is refused with a sentence."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from windtunnel.blocks.ground.numbers import floats, number, plain_array, whole


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), True + 2, np.array(3)])
def test_a_whole_number_of_any_kind_becomes_a_plain_one(value: Any) -> None:
    made = whole(value, "A count")
    assert made == 3
    assert type(made) is int


@pytest.mark.parametrize("value", [2.0, "3", None, 2j, Decimal(3), np.float64(3), -1, 1 << 63, np.array([1, 2])])
def test_what_is_no_whole_number_in_its_bounds_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^A count is .*\.$"):
        whole(value, "A count")


@pytest.mark.parametrize("value", [2.5, np.float32(2.5), Decimal("2.5"), Fraction(5, 2), np.array(2.5)])
def test_a_number_of_any_kind_becomes_a_plain_float(value: Any) -> None:
    made = number(value, "A weight")
    assert json.dumps(made) == "2.5"


@pytest.mark.parametrize(
    "value",
    [
        *("3", b"3", np.str_("3"), None, 2j, np.complex64(2), [3.0], np.array([3.0]), np.datetime64("2026-01-01")),
        *(object(), float("nan"), float("inf"), 10**400, np.float32("nan")),
    ],
)
def test_what_is_no_finite_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^A weight is a .*number.*\.$"):
        number(value, "A weight")


def test_infinities_are_numbers_where_they_may_be() -> None:
    assert number(float("-inf"), "A score", finite=False) == float("-inf")
    with pytest.raises(ValueError, match="not NaN"):
        number(float("nan"), "A score", finite=False)


def test_bounds_of_numbers_are_told() -> None:
    with pytest.raises(ValueError, match=r"A weight is above 0, not 0\."):
        number(0, "A weight", above=0)
    with pytest.raises(ValueError, match=r"A weight is at least 1, not 0\.5\."):
        number(0.5, "A weight", 1)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2.5],
        (1, 2.5),
        iter([1, 2.5]),
        np.array([2.5, 1])[::-1],
        np.asfortranarray(np.array([[1, 2.5], [0, 0]]))[0],
        np.ma.masked_array([1, 2.5], [False, False]),
        pa.array([1, 2.5]),
        pa.chunked_array([[1.0], [2.5]]),
        [np.float32(1), Decimal("2.5")],
        np.array([1, 2.5], ">f4"),
    ],
)
def test_rows_of_numbers_come_in_many_forms(values: Any) -> None:
    made = floats(values, "Values")
    assert made.tolist() == [1, 2.5]
    assert made.flags.c_contiguous
    assert made.flags.writeable
    assert made.dtype == np.float64


@pytest.mark.parametrize(
    "values",
    [
        ["1"],
        [None],
        [1j],
        [[1], [2, 3]],
        5,
        None,
        np.ma.masked_array([1, 2.5], [False, True]),
        pa.array([1, None]),
        pa.chunked_array([[1.0], [None]]),
        np.array(["2026-01-01"], "M8[D]"),
        [object()],
    ],
)
def test_what_are_no_numbers_are_refused(values: Any) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].*\.$"):
        row = floats(values, "Values")
        if not row.ndim:
            raise ValueError("Values are no row.")


def test_masked_values_and_nulls_are_no_values() -> None:
    with pytest.raises(ValueError, match="masked"):
        plain_array(np.ma.masked_array([1, 2], [True, False]), "Things")
    with pytest.raises(ValueError, match="1 nulls"):
        plain_array(pa.array([1, None]), "Things")
