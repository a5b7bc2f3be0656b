"""Parameters: text in, values out, one sentence where that cannot be."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, strategies as st

from windtunnel.lab.errors import WrongInput
from windtunnel.lab.params import describe, make, param, settings


@dataclass(frozen=True)
class Some:
    count: int = param(5, "how many", 1, 10)
    rate: float = param(0.5, "per second", 0.0)
    fast: bool = param(False, "whether to hurry")
    mode: str = param("plain", "which way", choices=("plain", "fancy"))
    free: int = param(0, "anything")


def test_defaults_are_taken_where_nothing_is_given() -> None:
    assert make(Some, {}) == Some()


def test_text_becomes_the_type_of_the_default() -> None:
    made = make(Some, {"count": "7", "rate": "1e-3", "fast": "yes", "mode": "fancy"})
    assert made == Some(7, 0.001, True, "fancy")


@given(st.integers())
def test_a_whole_number_of_any_length_survives_as_text(number: int) -> None:
    assert settings(Some, {"free": str(number)})["free"] == number


@given(st.floats(min_value=0, allow_infinity=False))
def test_a_number_survives_as_text(number: float) -> None:
    assert settings(Some, {"rate": repr(number)})["rate"] == number


def test_a_whole_number_may_be_written_with_an_exponent() -> None:
    assert make(Some, {"free": "1e6"}).free == 1_000_000


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"count": "11"}, "count is 11; it can be 1 to 10 (how many)."),
        ({"count": 0}, "count is 0; it can be 1 to 10 (how many)."),
        ({"count": "2.5"}, "count is 2.5; it must be a whole number (how many)."),
        ({"count": "many"}, "count is many; it must be a whole number (how many)."),
        ({"rate": "-1"}, "rate is -1.0; it can be 0 or more (per second)."),
        ({"rate": "nan"}, "rate is nan; it can be 0 or more (per second)."),
        ({"fast": "perhaps"}, "fast is perhaps; it can be true or false (whether to hurry)."),
        ({"mode": "odd"}, "mode is odd; it can be plain, fancy (which way)."),
        ({"cout": 1}, "There is no parameter cout; did you mean count?"),
    ],
)
def test_what_cannot_be_is_one_sentence(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(WrongInput) as raised:
        make(Some, given)
    assert str(raised.value) == sentence


def test_a_field_that_was_not_made_by_param_is_named() -> None:
    @dataclass(frozen=True)
    class Odd:
        count: int = 3

    with pytest.raises(WrongInput, match=r"Odd.count must be made by param"):
        describe(Odd)
