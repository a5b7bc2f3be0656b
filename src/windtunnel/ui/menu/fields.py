"""Fields that are filled in by keys: text and a place on a scale are the same value, and one field is in front."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

STEPS = 40
"""Steps of a scale for the arrow keys."""
WIDE = 9
"""Columns of a field at least."""


@dataclass
class Field:
    """One field.

    Attributes:
        text: what stands in it; "" where nothing was said yet, and then no mark stands on the scale: one in the middle
            would be an anchor.
        low, high: the ends of its scale; None where it has none.
        signs: the characters that can be typed; any printable one where empty.
    """

    text: str = ""
    low: float | None = None
    high: float | None = None
    log: bool = False
    signs: str = "0123456789.-"

    @property
    def value(self) -> float | None:
        """What it says as a number; None where that is none."""
        try:
            found = float(self.text)
        except ValueError:
            return None
        return found if math.isfinite(found) else None

    @property
    def wrong(self) -> str:
        """What is wrong with what was said, where something was."""
        return f"{self.text} is no number." if self.text and self.value is None else ""

    def type(self, character: str, name: str) -> bool:
        """Take a key; whether it was taken."""
        if name == "backspace":
            self.text = self.text[:-1]
        elif name == "ctrl+u":
            self.text = ""
        elif name in ("left", "right") and self.low is not None:
            self._nudge(1 if name == "right" else -1)
        elif character and (not self.signs or character in self.signs):
            self.text += character
        else:
            return False
        return True

    def _nudge(self, by: int) -> None:
        at = share(self.value, self.low, self.high, self.log) if self.value is not None else None
        assert self.low is not None
        assert self.high is not None
        steps = (0 if by > 0 else STEPS) if at is None else max(0, min(STEPS, round(at * STEPS) + by))
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        place = low + (high - low) * steps / STEPS
        self.text = f"{math.exp(place) if self.log else place:.3g}"
        if "e" in self.text:
            self.text = f"{float(self.text):.0f}"

    def drawn(self, front: bool) -> Text:
        """The field itself: where it is in front, with a cursor."""
        inside = f"{self.text}{'▏' if front else ''}" or "?"
        return Text.assemble("[ ", (f"{inside:<{WIDE}}", "bold" if front else "" if self.text else "dim"), " ]")


class Fields:
    """Some fields, one of them in front."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.all = list(fields)
        self.at = 0

    @property
    def front(self) -> Field:
        """The one that keys fill."""
        return self.all[self.at]

    def move(self, by: int) -> bool:
        """Go to another one; whether there was one to go to."""
        there = self.at + by
        self.at = max(0, min(there, len(self.all) - 1))
        return self.at == there


def share(value: float | None, low: float | None, high: float | None, log: bool) -> float | None:
    """How far along its scale a value stands, 0 to 1; None where there is no scale."""
    if value is None or low is None or high is None:
        return None
    if log:
        if value <= 0:
            return 0.0
        value, low, high = math.log(value), math.log(low), math.log(high)
    return max(0.0, min(1.0, (value - low) / (high - low)))


def scale(marks: Sequence[tuple[float | None, str]], field: Field, width: int) -> Text:
    """A line from the low end to the high one, with marks where values stand; a later mark stands over an earlier."""
    signs = ["─"] * max(5, width)
    for value, sign in marks:
        at = share(value, field.low, field.high, field.log)
        if at is not None:
            signs[round(at * (len(signs) - 1))] = sign
    line = Text("".join(signs), "dim")
    for place, sign in enumerate(signs):
        if sign != "─":
            line.stylize("not dim bold", place, place + 1)
    return line
