"""A chart of characters: lines told apart by their mark, so that it can be read without colours too."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from windtunnel.lab.claims import number

MARKS = "●×◆+▲○◇∗"
SHADE = "░"
COLOURS = ("red", "yellow", "green", "cyan", "blue", "magenta", "white", "bright_black")

Point = tuple[float, float]
LARGEST = 1e300
"""Differences of larger numbers are not finite any more."""


def chart(
    lines: Mapping[str, Sequence[Point]],
    axes: tuple[str, str] = ("", ""),
    log_axes: str = "",
    width: int = 78,
    height: int = 14,
    shaded: Sequence[tuple[float, float, str]] = (),
) -> list[list[tuple[str, str]]]:
    """The chart as rows of (text, colour) pieces. Points that are no number, or not positive on a log axis, are left
    out; without any there is no chart. `shaded` are spans of the x axis: from, to, and what is to be said of them."""
    x_of, x_back = _scale("x" in log_axes)
    y_of, y_back = _scale("y" in log_axes)
    drawn = {
        name: [p for p in ((x_of(x), y_of(y)) for x, y in line) if all(abs(v) < LARGEST for v in p)]
        for name, line in lines.items()
    }
    points = [p for line in drawn.values() for p in line]
    if not points:
        return []
    x_low, x_high = _range([x for x, _ in points])
    y_low, y_high = _range([y for _, y in points])
    labels = {
        row: number(_round(y_back(y_high - (y_high - y_low) * row / (height - 1)))) for row in range(0, height, 4)
    }
    gutter = max(map(len, labels.values())) + 1
    columns = width - gutter - 2
    cells: dict[tuple[int, int], int] = {}
    over: dict[int, set[int]] = {}
    for index, line in enumerate(drawn.values()):
        placed = [
            (
                round((x - x_low) / (x_high - x_low) * (columns - 1)),
                round((y_high - y) / (y_high - y_low) * (height - 1)),
            )
            for x, y in sorted(line)
        ]
        way = _joined(placed)
        for cell in way:
            cells.setdefault(cell, index)
        over[index] = {cells[cell] for cell in way}
    spans = [(x_of(a), x_of(b), what) for a, b, what in shaded if x_of(a) <= x_high and x_of(b) >= x_low]
    grey = {column for a, b, _ in spans for column in _within(a, b, x_low, x_high, columns)}
    rows: list[list[tuple[str, str]]] = []
    if axes[1]:
        rows.append([(" " * gutter + axes[1], "dim")])
    for row in range(height):
        pieces = [(f"{labels.get(row, ''):>{gutter}}", "dim"), ("┤" if row in labels else "│", "dim")]
        for column in range(columns):
            found = cells.get((column, row))
            empty = (SHADE, "dim") if column in grey else (" ", "")
            pieces.append(empty if found is None else (MARKS[found % len(MARKS)], COLOURS[found % len(COLOURS)]))
        rows.append(pieces)
    rows.append([(" " * gutter + "└" + "─" * columns, "dim")])
    left, right = number(_round(x_back(x_low))), number(_round(x_back(x_high)))
    middle = axes[0].center(max(0, columns - len(left) - len(right)))
    rows.append([(" " * (gutter + 1) + left + middle + right, "dim")])
    key: list[tuple[str, str]] = []
    used = 0
    names = list(drawn)
    for index, name in enumerate(names):
        if over[index] and index not in over[index]:  # all of it lies under others: say so, or it looks left out
            name = f"{name} (under {' and '.join(names[i] for i in sorted(over[index]))})"
        name = name[: max(8, width - gutter - 5)]
        if used and used + len(name) + 4 > width - gutter:
            rows.append([(" " * gutter, ""), *key])
            key, used = [], 0
        key += [(f" {MARKS[index % len(MARKS)]} ", COLOURS[index % len(COLOURS)]), (f"{name} ", "")]
        used += len(name) + 4
    rows.append([(" " * gutter, ""), *key])
    if said := "; ".join(dict.fromkeys(what for *_, what in spans)):
        rows.append([(" " * gutter, ""), (f" {SHADE} {said}"[: max(8, width - gutter)], "dim")])
    return rows


def _within(start: float, end: float, low: float, high: float, columns: int) -> range:
    """The columns of a span, of which there is one at least."""
    first, last = (round((min(max(x, low), high) - low) / (high - low) * (columns - 1)) for x in (start, end))
    return range(first, last + 1)


def _joined(placed: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The cells of a line through these cells, in order."""
    found = list(placed[:1])
    for (x0, y0), (x1, y1) in pairwise(placed):
        steps = max(abs(x1 - x0), abs(y1 - y0))
        found += [(x0 + round((x1 - x0) * i / steps), y0 + round((y1 - y0) * i / steps)) for i in range(1, steps + 1)]
    return found


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    if high - low > 1e-12 * max(abs(low), abs(high)):
        return low, high
    around = max(0.5, abs(low) / 10)  # a flat line, or one too flat for floating point, lies in the middle
    return low - around, high + around


def _round(x: float) -> float:
    return float(f"{x:.3g}")


def _scale(log: bool) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """From values to places on an axis, and back."""
    if log:
        return lambda x: math.log10(x) if x > 0 else math.nan, lambda x: math.pow(10.0, x) if x < 308 else math.inf
    return float, float
