"""The charts of a result as text, by kind, and each as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from math import isfinite, log10
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from windtunnel.lab.charts import Drawn, Row, edges
from windtunnel.lab.claims import number
from windtunnel.lab.layers import layers
from windtunnel.lab.result import Result
from windtunnel.ui.chart import COLOURS, MARKS, chart

SHADES = "·░▒▓█"
LINES = 40
"""Most lines of messages that are drawn; the table has all."""
Named = dict[str, list[Row]]


def of(found: Result, index: int) -> Named:
    """The rows of a result's chart, by the names that stand in the key; of the first seed."""
    named: Named = {}
    for design in found.designs:
        for one in found.of(design)[:1]:
            parts = one.charts[index] if index < len(one.charts) else {}
            for name, rows in parts.items():
                named[design if len(parts) == 1 else f"{design} {name}"] = rows
    return named


def charts(found: Result, width: int) -> list[RenderableType]:
    """Every chart that has something to draw, each under its title."""
    parts: list[RenderableType] = []
    for index, one in enumerate(found.charts):
        shown = drawing(one, of(found, index), width)
        if shown is not None:
            parts += ["", Text(one.title, "bold"), shown]
    return parts


def drawing(one: Drawn, named: Mapping[str, Sequence[Row]], width: int) -> Text | None:
    """The chart as text; None where there is nothing to draw."""
    room = max(30, width - 2)
    match one.kind:
        case "bars":
            rows = _bars(one, named, room)
        case "heat" | "misses":
            rows = _heat(one, named, room)
        case "space-time":
            rows = _messages(named, room)
        case "gantt":
            rows = _spans(one, named, room)
        case "graph":
            rows = _graphs(named, room)
        case _:
            lines = {name: [(x, y) for x, y in line] for name, line in named.items()}
            rows = chart(lines, (one.x, one.y), one.log, room, shaded=one.shaded)
    if not rows:
        return None
    return Text("\n").join(
        Text.assemble(*(("".join(t for t, _ in run), style) for style, run in groupby(row, key=lambda piece: piece[1])))
        for row in rows
    )


def tables(found: Result) -> list[RenderableType]:
    """Every chart's values."""
    parts: list[RenderableType] = []
    for index, one in enumerate(found.charts):
        named = of(found, index)
        if named:
            parts += ["", Text(one.title, "bold"), _values(one, named)]
    return parts


def _values(one: Drawn, named: Named) -> RenderableType:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    firsts = [[row[0] for row in rows] for rows in named.values()]
    if one.kind in ("lines", "bars") and all(first == firsts[0] for first in firsts):
        for head in (one.x, *(name.replace("_", " ") for name in named)):
            table.add_column(head, justify="right")
        for i, x in enumerate(firsts[0]):
            table.add_row(number(x), *(number(rows[i][1]) for rows in named.values()))
        return table
    heads = {"x": one.x, "y": one.y}
    for head in ("", *(heads.get(column, column) for column in one.columns)):
        table.add_column(head, justify="right" if head else "left")
    for name, rows in named.items():
        for row in rows:
            table.add_row(name, *map(number, row))
    return table


# --- kinds -------------------------------------------------------------------------------------------------------
Pieces = list[tuple[str, str]]


def _bars(one: Drawn, named: Mapping[str, Sequence[Row]], width: int) -> list[Pieces]:
    """A bar for each name at each x, from zero, or from the least where the axis is logarithmic."""
    every = [row[1] for rows in named.values() for row in rows if isfinite(row[1])]
    log = "y" in one.log
    every = [y for y in every if y > 0] if log else every
    if not every:
        return []
    low, high = (log10(min(every)) - 0.1, log10(max(every))) if log else (min(0.0, *every), max(0.0, *every))
    gutter = max(map(len, named))
    room = max(5, width - gutter - 4 - max(len(number(y)) for y in every))
    found: list[Pieces] = [[(one.y, "dim")]]
    for x in dict.fromkeys(row[0] for rows in named.values() for row in rows):
        found.append([(f"{one.x} {number(x)}" if one.x else number(x), "dim")])
        for i, (name, rows) in enumerate(named.items()):
            for y in (row[1] for row in rows if row[0] == x):
                place = (log10(y) if y > 0 else low) if log else y
                share = (place - low) / (high - low) if isfinite(y) and high > low else 0.0
                bar = "█" * round(share * room)
                found.append([(f"  {name:<{gutter}} ", ""), (bar, COLOURS[i % len(COLOURS)]), (f" {number(y)}", "")])
    return found


def _heat(one: Drawn, named: Mapping[str, Sequence[Row]], width: int) -> list[Pieces]:
    """A map for each name, all with the same shades; of misses in red, and a word where there are none."""
    red = "red" if one.kind == "misses" else ""
    every = [row[2] for rows in named.values() for row in rows if isfinite(row[2])]
    if not every:
        return []
    low, high = min(every), max(every)
    found: list[Pieces] = []
    for name, rows in named.items():
        xs, ys = sorted({row[0] for row in rows}), sorted({row[1] for row in rows}, reverse=True)
        values = {(row[0], row[1]): row[2] for row in rows}
        if red and not any(values.values()):
            found.append([(f"{name}: none", "dim")])
            continue
        rims = [edges(axis) or (axis[0], axis[-1]) if red else (axis[0], axis[-1]) for axis in (xs, ys[::-1])]
        written = {ys[0]: number(rims[1][1]), ys[-1]: number(rims[1][0])} if red else {y: number(y) for y in ys}
        gutter = max(map(len, written.values())) + 1
        xs = xs[:: 1 + (len(xs) - 1) // max(1, width - gutter - 1)]
        wide = max(1, min(6, (width - gutter - 1) // len(xs)))
        found.append([(f"{name}: {one.y} by {one.x}", "dim")])
        for y in ys:
            cells = "".join(_shade(values.get((x, y)), low, high) * wide for x in xs)
            found.append([(f"{written.get(y, ''):>{gutter}}", "dim"), ("│", "dim"), (cells, red)])
        left, right = map(number, rims[0])
        space = max(1, wide * len(xs) - len(left) - len(right))
        found.append([(" " * (gutter + 1) + left + " " * space + right, "dim")])
    used = {_shade(value, low, high) for value in every}
    key = "  ".join(f"{c} {number(low + (high - low) * i / 4)}" for i, c in enumerate(SHADES) if c in used)
    return [*found, [(key, "dim")]]


def _shade(value: float | None, low: float, high: float) -> str:
    if value is None or not isfinite(value):
        return " "
    return SHADES[round((value - low) / (high - low) * 4) if high > low else 0]


def _messages(named: Mapping[str, Sequence[Row]], width: int) -> list[Pieces]:
    """Things as columns, time downwards, a message a line."""
    found: list[Pieces] = []
    for name, rows in named.items():
        things = list(dict.fromkeys(thing for row in rows for thing in (row[0], row[2])))
        if not things:
            continue
        step = max(6, min(24, (width - 12) // len(things)))
        found.append([(name, "bold")])
        found.append([(" " * 12 + "".join(f"{thing[: step - 1]:<{step}}" for thing in things), "dim")])
        for sender, sent, to, received, what, *wrong in sorted(rows, key=lambda row: (row[1], row[3]))[:LINES]:
            line = list("".join(f"{'│':<{step}}" for _ in things))
            a, b = things.index(sender) * step, things.index(to) * step
            if a == b:
                line[a] = "●"
            else:
                line[min(a, b) + 1 : max(a, b)] = "─" * (abs(a - b) - 1)
                line[max(a, b) - 1 if a < b else min(a, b) + 1] = "▶" if a < b else "◀"
            took = f" ({number(round((received - sent) * 1e3, 3))} ms)" if received > sent else ""
            sign = f"{wrong[0]} " if any(wrong) else ""
            found.append(
                [
                    (f"{sent:>10.6f}  ", "dim"),
                    ("".join(line).rstrip(), ""),
                    (f"  {sign}{what}{took}", ""),
                ]
            )
        if len(rows) > LINES:
            found.append([(f"and {len(rows) - LINES} more", "dim")])
    return found


def _spans(one: Drawn, named: Mapping[str, Sequence[Row]], width: int) -> list[Pieces]:
    """A row a thing, time to the right; who is busy when."""
    every = [row for rows in named.values() for row in rows]
    if not every:
        return []
    low, high = min(row[1] for row in every), max(row[2] for row in every)
    gutter = max(len(str(row[0])) for row in every) + 3
    room = max(10, width - gutter - 1)
    what = list(dict.fromkeys(row[3] for row in every))
    found: list[Pieces] = []
    for name, rows in named.items():
        found.append([(name, "bold")])
        for thing in dict.fromkeys(row[0] for row in rows):
            cells: list[tuple[str, str]] = [(" ", "")] * room
            for _, begin, end, said in (row for row in rows if row[0] == thing):
                first, last = (round((t - low) / ((high - low) or 1) * (room - 1)) for t in (begin, end))
                i = what.index(said)
                cells[first : last + 1] = [(MARKS[i % len(MARKS)], COLOURS[i % len(COLOURS)])] * (last + 1 - first)
            found.append([(f"  {thing:<{gutter - 2}}", ""), ("│", "dim"), *cells])
    left, right = number(low), number(high)
    found.append([(" " * (gutter + 1) + left + one.x.center(max(0, room - len(left) - len(right))) + right, "dim")])
    return [*found, [*_key(what)]]


def _graphs(named: Mapping[str, Sequence[Row]], width: int) -> list[Pieces]:
    """A graph a pair of lines: how many steps there are after none, one, two; and the last kind in the key of them."""
    which = list(dict.fromkeys(row[3] for rows in named.values() for row in rows))
    gutter = max(map(len, named), default=0)
    room = max(1, (width - gutter - 4) // 3)
    found: list[Pieces] = []
    for name, rows in named.items():
        counts: list[Pieces] = [[(f"{name:<{gutter}} ", ""), ("│", "dim")], [(" " * (gutter + 1), ""), ("│", "dim")]]
        depth = {name: i for i, layer in enumerate(layers((row[0], row[1]) for row in rows)) for name in layer}
        steps: dict[int, list[int]] = {}
        for row in rows:
            steps.setdefault(depth[row[0]], []).append(which.index(row[3]))
        for _, kinds in sorted(steps.items())[:room]:
            i = max(kinds)
            counts[0].append((f"{len(kinds):>3}", ""))
            counts[1].append((f"  {MARKS[i % len(MARKS)]}", COLOURS[i % len(COLOURS)]))
        if len(steps) > room:
            counts[0].append((" …", "dim"))
        found += counts if rows else []
    return [*found, _key(which)] if found else []


def _key(names: Iterable[Any]) -> Pieces:
    return [
        piece
        for i, name in enumerate(names)
        for piece in ((f" {MARKS[i % len(MARKS)]} ", COLOURS[i % len(COLOURS)]), (f"{name} ", ""))
    ]
