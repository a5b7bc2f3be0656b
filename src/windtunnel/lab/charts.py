"""Charts of an experiment: what is drawn of one design's run, as values, so that each chart is a table too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Literal

from windtunnel.lab.errors import WrongInput
from windtunnel.lab.history import Event, History
from windtunnel.sim.fault import Fault

Kind = Literal["lines", "bars", "heat", "misses", "space-time", "gantt", "graph"]
Row = tuple[Any, ...]
Parts = Mapping[str, Sequence[Row]]
"""A chart's values: rows by the name that stands in the key."""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "lines": ("x", "y"),
    "bars": ("x", "y"),
    "heat": ("x", "y", "value"),
    "misses": ("x", "y", "value"),
    "space-time": ("from", "sent", "to", "received", "what", "wrong"),
    "gantt": ("row", "begin", "end", "what"),
    "graph": ("from", "to", "what", "which"),
}
"""What a row of each kind holds: numbers, but words in what is named in `WORDS`, and perhaps in x of bars."""
WORDS = ("from", "to", "row", "what", "which", "wrong")
POINTS = 500
"""Most rows of one name that a result keeps: of lines evenly taken, of messages and spans the first."""
CELLS = 5000
"""Most cells of a heat map, and steps of a graph."""

WRONG = "✗"
"""Stands in the last column of a message that belongs to an operation which is wrong; "" in that of others."""
WHOLE = {"heat": "cells; a heat map", "misses": "cells; a map of misses", "graph": "steps; a graph"}
"""Of which nothing can be left out."""


def edges(values: Sequence[float]) -> tuple[float, float] | None:
    """Where along an axis the first of these cells begins and the last ends; None where each has a value of its own.

    Cells side by side, equally wide, are named by their middles; where those are whole numbers, they are rather the
    numbers of things.

    Args:
        values: in order.
    """
    step = (values[-1] - values[0]) / (len(values) - 1) if len(values) > 1 else 0.0
    if not isfinite(step) or all(value == round(value) for value in values):
        return None
    if any(abs(values[0] + i * step - value) > 1e-6 * step for i, value in enumerate(values)):
        return None
    return values[0] - step / 2, values[-1] + step / 2


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of each design's run.

    Args:
        title: a few words.
        x: what stands at the x axis, with its unit; of a heat map, too.
        y: what stands at the y axis, with its unit; for space-time and Gantt charts what the rows are.
        lines: pure: rows by name, from the history of one design: `COLUMNS` says what a row of each kind holds. Of
            messages the last column may be left out: then those are wrong that belong to an operation which a checker
            names as wrong while this function asks it.
        log: which axes are logarithmic: "", "x", "y" or "xy".
        kind: "lines", "bars", "heat" (a map of cells), "misses" (the same, of what should not be, in red), "space-time"
            (messages between things), "gantt" (spans in rows), "graph" (steps between states: `which` stands in the
            key, and each name is a graph of its own).
    """

    title: str
    x: str
    y: str
    lines: Callable[[History, Any], Parts]
    log: str = ""
    kind: Kind = "lines"

    def __post_init__(self) -> None:
        if self.kind not in COLUMNS:
            raise WrongInput(f"{self.title!r} is a chart of kind {self.kind!r}; it can be {', '.join(COLUMNS)}.")
        if self.log not in ("", "x", "y", "xy"):
            raise WrongInput(f"{self.title!r} has log={self.log!r}; it can be '', 'x', 'y' or 'xy'.")


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a result says of a chart; the values stand in its runs."""

    title: str
    x: str
    y: str
    log: str
    kind: str
    shaded: Sequence[tuple[float, float, str]] = ()
    """Along an axis of seconds, when something went wrong: from, to, what. A fault without an end goes to infinity."""

    @property
    def columns(self) -> tuple[str, ...]:
        """What a row holds."""
        return COLUMNS[self.kind]


def drawn(chart: Chart, faults: Sequence[Fault] = ()) -> Drawn:
    """The chart without its function; lines over seconds are shaded while a fault lasts."""
    shaded = [
        (fault.at_s, inf if fault.for_s is None else fault.at_s + fault.for_s, str(fault))
        for fault in faults
        if chart.kind == "lines" and chart.x == "second" and fault.for_s != 0
    ]
    return Drawn(chart.title, chart.x, chart.y, chart.log, chart.kind, shaded)


def values(chart: Chart, history: History, params: Any) -> dict[str, list[Row]]:
    """The chart's rows from one history, checked and no more than a result keeps. Raises ValueError."""
    if chart.kind != "space-time":
        found = chart.lines(history, params)
    else:
        from windtunnel.lab.checkers.verdict import accused

        with accused() as wrong:
            drawn = chart.lines(history, params)
        found = _judged(drawn, wrong)
    return {name: _kept(chart, [_row(chart, row) for row in rows]) for name, rows in found.items()}


def _judged(parts: Parts, wrong: Sequence[Event]) -> Parts:
    """Messages with their last column, where it was left out."""
    short = len(COLUMNS["space-time"]) - 1
    things = {thing for rows in parts.values() for row in rows if len(row) == short for thing in (row[0], row[2])}

    def whole(row: Row) -> Row:
        if len(row) != short:
            return row
        # Two clients may ask at the same moment: where clients stand in the chart by their names, those tell.
        own = (event for event in wrong if event.client not in things or event.client in (row[0], row[2]))
        return (*row, WRONG if any(_belongs(row, event) for event in own) else "")

    return {name: [whole(row) for row in rows] for name, rows in parts.items()}


def _belongs(row: Row, event: Event) -> bool:
    """Whether a message is the question of an operation, its answer, or both in one, by when it begins and ends."""
    sent, received = row[1], row[3]
    if not event.start <= sent <= received <= event.end or (sent == received and event.start < event.end):
        return False
    return bool(sent == event.start or received == event.end)


def _row(chart: Chart, row: Sequence[Any]) -> Row:
    columns = COLUMNS[chart.kind]
    if len(row) != len(columns):
        raise ValueError(f"{chart.title!r} has the row {row!r}; a {chart.kind} chart takes ({', '.join(columns)}).")
    return tuple(_cell(chart.kind, column, x) for column, x in zip(columns, row, strict=True))


def _cell(kind: str, column: str, x: Any) -> Any:
    if (kind, column) == ("bars", "x"):
        return x if isinstance(x, str) else float(x)
    return str(x) if column in WORDS and kind in ("space-time", "gantt", "graph") else float(x)


def _kept(chart: Chart, rows: list[Row]) -> list[Row]:
    if chart.kind in WHOLE:
        if len(rows) > CELLS:
            raise ValueError(f"{chart.title!r} has {len(rows):,} {WHOLE[chart.kind]} takes {CELLS:,} at most.")
        return rows
    return thin(rows) if chart.kind == "lines" else rows[:POINTS]


def thin(line: list[Row]) -> list[Row]:
    """At most `POINTS` of the points, evenly taken, the first and the last among them."""
    if len(line) <= POINTS:
        return line
    step = (len(line) - 1) / (POINTS - 1)
    return [line[round(i * step)] for i in range(POINTS)]
