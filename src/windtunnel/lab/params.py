"""Parameters of an experiment: fields of a frozen dataclass, each with a sentence of help and its bounds.

The same field is a flag of the command line, a slider of the page and a row of the docs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import lru_cache
from typing import Any, TypeVar

from windtunnel.lab.errors import WrongInput, suggest

T = TypeVar("T")
P = TypeVar("P")


def param(
    default: T,
    help: str,  # noqa: A002  (the field's word)
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[T] | None = None,
) -> T:
    """A field of a params dataclass; its type is the type of its default (bool, int, float or str).

    Args:
        help: what it is, with its unit, in one short sentence.
        low: least value allowed.
        high: greatest value allowed.
        choices: the only values allowed.
    """
    found: T = field(default=default, metadata={"help": help, "low": low, "high": high, "choices": choices})
    return found


@dataclass(frozen=True, slots=True)
class Param:
    """What is known about one parameter."""

    name: str
    default: Any
    help: str
    low: float | None
    high: float | None
    choices: tuple[Any, ...] | None

    @property
    def range(self) -> str:
        """What may be set, in words; empty where anything may."""
        if self.choices:
            return ", ".join(map(str, self.choices))
        if self.low is not None and self.high is not None:
            return f"{_short(self.low)} to {_short(self.high)}"
        if self.low is not None:
            return f"{_short(self.low)} or more"
        return f"at most {_short(self.high)}" if self.high is not None else ""

    def take(self, value: object) -> Any:
        """The value, or text that says it, as the parameter's type. Raises WrongInput where it is not allowed."""
        found = self._convert(value)
        wrong = (
            (self.choices is not None and found not in self.choices)
            or (self.low is not None and found < self.low)
            or (self.high is not None and found > self.high)
            or found != found
        )
        if wrong:
            raise WrongInput(f"{self.name} is {found}; it can be {self.range or 'any number'} ({self.help}).")
        return found

    def _convert(self, value: object) -> Any:
        kind = type(self.default)
        text = str(value).strip()
        if kind is str:
            return text
        if kind is bool:
            if text.lower() in ("true", "yes", "1"):
                return True
            if text.lower() in ("false", "no", "0"):
                return False
            raise WrongInput(f"{self.name} is {text}; it can be true or false ({self.help}).")
        try:
            # Through int first: a float would lose the digits of a long number.
            return kind(text) if kind is float or text.lstrip("+-").isdigit() else _whole(float(text))
        except (ValueError, OverflowError):
            words = "a whole number" if kind is int else "a number"
            raise WrongInput(f"{self.name} is {text}; it must be {words} ({self.help}).") from None


def _short(number: float) -> str:
    return f"{int(number):,}" if abs(number) < 1e15 and number == int(number) else f"{number:g}"


def _whole(number: float) -> int:
    if not number.is_integer():
        raise ValueError
    return int(number)


def describe(params: type) -> list[Param]:
    """The parameters of a params class, in the order in which they are written."""
    return list(_described(params))


@lru_cache(maxsize=64)
def _described(params: type) -> tuple[Param, ...]:
    if not is_dataclass(params):
        raise WrongInput(f"{params.__name__} must be a frozen dataclass whose fields are made by param().")
    found = []
    for one in fields(params):
        if one.default is MISSING or "help" not in one.metadata:
            raise WrongInput(f"{params.__name__}.{one.name} must be made by param(default, help).")
        choices = one.metadata["choices"]
        found.append(
            Param(
                one.name,
                one.default,
                one.metadata["help"],
                one.metadata["low"],
                one.metadata["high"],
                tuple(choices) if choices is not None else None,
            )
        )
    return tuple(found)


def settings(params: type, given: Mapping[str, object]) -> dict[str, Any]:
    """Every parameter with its value: the default, or what was given. Raises WrongInput."""
    known = {p.name: p for p in describe(params)}
    for name in given:
        if name not in known:
            raise WrongInput(suggest(name, known, "parameter"))
    return {name: p.take(given.get(name, p.default)) for name, p in known.items()}


def make(params: type[P], given: Mapping[str, object]) -> P:
    """The params object with these settings. Raises WrongInput."""
    return params(**settings(params, given))
