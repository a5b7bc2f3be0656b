"""Values of histories made comparable: `true` is not 1, lists and maps can be hashed, and 1 is 1.0.

JSON has one kind of number, so 1 and 1.0 are one value here. It has truth values of their own; Python's are numbers
(`True == 1`), which is why they are wrapped.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Set as AbstractSet
from typing import Any, Final

SCALARS = frozenset({int, str, float, type(None), bytes})
"""Types whose values compare as they should. `bool` is none of them."""


GREATEST: Final = 1e200
"""Amounts that are added up are smaller."""


class Truth:
    """True or False as a value of a history: equal to Python's own, and to no number."""

    __slots__ = ("_value",)

    def __init__(self, value: bool) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return (other._value if isinstance(other, Truth) else other) is self._value

    def __hash__(self) -> int:
        return hash(self._value)  # as an equal bool

    def __bool__(self) -> bool:
        return self._value

    def __repr__(self) -> str:
        return repr(self._value)


_TRUTHS = (Truth(False), Truth(True))


def freeze(value: object) -> Hashable:
    """The value with lists as tuples and maps as sets of pairs, so that it can be compared fast."""
    if type(value) in SCALARS:
        return value
    if isinstance(value, bool):
        return _TRUTHS[value]
    if isinstance(value, list | tuple):
        return tuple(freeze(v) for v in value)
    if isinstance(value, Mapping):
        return ("map", frozenset((freeze(k), freeze(v)) for k, v in value.items()))
    if isinstance(value, AbstractSet):
        return frozenset(freeze(v) for v in value)
    if isinstance(value, Hashable):
        return value
    raise ValueError(f"A checker compares values, and {value!r} is of a kind that cannot be hashed; use plain data.")


def all_scalars(values: Iterable[Any]) -> bool:
    """Whether none of the values needs to be frozen."""
    return SCALARS.issuperset(map(type, values))


def is_number(value: object) -> bool:
    """Whether it can be added up: an int or a float of reasonable size, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < GREATEST
