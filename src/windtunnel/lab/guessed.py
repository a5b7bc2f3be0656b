"""How far off a number was that somebody committed to, in the words of the scale on which it was asked."""

from __future__ import annotations

import math

from windtunnel.lab.claims import number

NEAR = 0.1
"""Within this share of the measured value, or half of it of the scale, a guess is told to be right."""


EXACTLY, RIGHT = "exactly right", "right"
"""In words, how far off a guess was that needs no second thought."""


def with_unit(x: float | None, unit: str) -> str:
    """A number as it is said."""
    if x is None or math.isnan(x):
        return "?"
    return f"{number(float(f'{x:.4g}'))}{unit if unit.startswith('%') else f' {unit}' if unit else ''}"


def distance(said: float, measured: float, unit: str, span: float | None, log: bool) -> str:
    """How far off a guess was: times where the scale is logarithmic, else by how much.

    Args:
        span: how wide the scale is; None where there is none, and the measured value stands for it.
    """
    if math.isnan(measured):
        return "it cannot be told here"
    if said == measured:
        return EXACTLY
    if log and said > 0 and measured > 0:
        times = max(said / measured, measured / said)
        if times <= 1 + NEAR:
            return RIGHT
        return f"{number(float(f'{times:.2g}'))} times too {'high' if said > measured else 'low'}"
    if abs(said - measured) <= NEAR / 2 * (abs(measured) if span is None else span):
        return RIGHT
    return f"off by {with_unit(abs(said - measured), unit)}"
