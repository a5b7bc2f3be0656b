"""Scales of axes: where a value stands, and at which values something is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places: `low` stands at `first`, `high` at `last`."""

    low: float
    high: float
    first: float
    last: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Where a value stands; what lies beyond the ends stands at them."""
        share = self.share(value)
        return self.first + min(1.0, max(0.0, share)) * (self.last - self.first)

    def share(self, value: float) -> float:
        """From 0 to 1 along the axis, and beyond."""
        if self.log:
            if value <= 0:
                return 0.0
            span = log10(self.high / self.low)
            return log10(value / self.low) / span if span else 0.5
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5

    def ticks(self, most: int = 4) -> list[float]:
        """Round values within the ends, at most so many and a few more."""
        if self.log:
            decades = [10.0**i for i in range(ceil(log10(self.low) - 1e-9), floor(log10(self.high) + 1e-9) + 1)]
            if len(decades) >= 2:
                return decades[:: 1 + (len(decades) - 1) // most]
        step = step_of(self.high - self.low, most)
        first = ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, floor(self.high / step + 1e-9) + 1)]


def step_of(span: float, most: int) -> float:
    """A round step of which a span has at most so many."""
    rough = span / most
    if not rough > 0:  # also of a span that is less than any number when it is shared out
        return 1.0
    size = 10.0 ** floor(log10(rough))
    return next(size * one for one in STEPS if size * one >= rough * (1 - 1e-9))


def scale(values: Iterable[float], first: float, last: float, log: bool = False, zero: bool = False) -> Scale:
    """A scale that has room for all values that are numbers, and for 0 where that is asked."""
    found = [v for v in values if isfinite(v) and (v > 0 or not log)]
    if not found:
        return Scale(1.0, 10.0, first, last, log) if log else Scale(0.0, 1.0, first, last)
    low, high = min(found), max(found)
    if log:
        return Scale(low / 1.5, high * 1.5, first, last, True) if low == high else Scale(low, high, first, last, True)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        low, high = low - 0.5 * (abs(low) or 1), high + 0.5 * (abs(high) or 1)
    return Scale(low, high, first, last)
