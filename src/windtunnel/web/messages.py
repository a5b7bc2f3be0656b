"""Messages between things, drawn: a lane for each thing, time downwards, a line each with what was said (Lamport).

Lines are moments in their order, not to scale: questions that take a millisecond stand seconds apart, and to scale all
of them would be strokes without words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from windtunnel.lab.charts import WRONG, Drawn, Row
from windtunnel.lab.claims import number
from windtunnel.web.panels import NAME, Panel, Parts, Picture, text, whole

MOST = 40
"""Most lines of a panel; the table of the terminal has all."""
LINE, LEFT, TOP = 19, 62, 22
LEAST, MOST_WIDE = 70, 130
"""A lane is so wide."""
UNITS = ((1, "s"), (1e-3, "ms"), (1e-6, "µs"))


def messages(one: Drawn, designs: Mapping[str, Parts]) -> Picture:
    """Who told whom what, of each design; what is wrong has a sign, and stands out by its weight."""
    names: dict[tuple[Row, ...], list[str]] = {}
    for design, parts in designs.items():  # of whom the same is told, they have one panel
        names.setdefault(_ordered(parts), []).append(design)
    panels = [_panel(one, ", ".join(alike), rows) for rows, alike in names.items()]
    wrong = any(_wrong(row) for rows in names for row in rows)
    clock = next((f"{word}s" for word in ("second", "step") if word in (one.x, one.y)), "time")
    return Picture(one.title, "", f"{clock} downwards, a line a message", one.kind, panels, own=True, wrong=wrong)


def _ordered(parts: Parts) -> tuple[Row, ...]:
    return tuple(sorted((row for rows in parts.values() for row in rows), key=lambda row: (row[1], row[3])))


def _wrong(row: Row) -> bool:
    return row[5:] == (WRONG,)


def _lanes(rows: Sequence[Row]) -> list[tuple[str, float]]:
    """Each thing in the order in which it has to do with something, and how wide its lane is."""
    things = dict.fromkeys(thing for row in rows for thing in (row[0], row[2]))
    return [(thing, min(MOST_WIDE, max(LEAST, 14 + NAME * len(thing)))) for thing in things]


def _said(one: Drawn, row: Row) -> str:
    """What stands beside a message: what was said, and how long it took, where that is time."""
    took = row[3] - row[1]
    timed = "second" in (one.x, one.y) and took > 0
    size, unit = next((pair for pair in UNITS if took >= pair[0]), UNITS[-1])
    return f"{WRONG + ' ' if _wrong(row) else ''}{row[4]}{f' ({number(round(took / size, 1))} {unit})' * timed}"


def _panel(one: Drawn, name: str, rows: Sequence[Row]) -> Panel:
    middles: dict[str, float] = {}
    at = float(LEFT)
    for thing, wide in _lanes(rows):
        middles[thing] = at + wide / 2
        at += wide
    width = round(at + 12 + NAME * max((len(_said(one, row)) for row in rows[:MOST]), default=0))
    height = TOP + LINE * min(len(rows), MOST + 1) + 4
    body = [f'{text(x, 13, thing)}<path class="rule" d="M{x:.1f} {TOP - 3}V{height}"/>' for thing, x in middles.items()]
    for i, row in enumerate(rows[:MOST]):
        y, kind = TOP + LINE * i + LINE / 2, " wrong" * _wrong(row)
        a, b = middles[row[0]], middles[row[2]]
        body.append(text(LEFT - 4, y + 4, number(_short(row[1])), "end"))
        if a == b:
            body.append(f'<circle class="dot{kind}" cx="{a:.1f}" cy="{y:.1f}" r="3.5"/>')
        else:
            tip = 5 if b > a else -5
            head = f"M{b - tip:.1f} {y - 3:.1f}l{tip} 3l{-tip} 3"
            body.append(f'<path class="arrow{kind}" d="M{a:.1f} {y:.1f}H{b:.1f}{head}"/>')
        body.append(f'<text class="said{kind}" x="{at + 4:.0f}" y="{y + 4:.0f}">{escape(_said(one, row))}</text>')
    if len(rows) > MOST:
        body.append(text(LEFT, height - 6, f"and {len(rows) - MOST} more", "start"))
    told = "; ".join(f"{number(_short(row[1]))}: {row[0]} to {row[2]}: {_said(one, row)}" for row in rows[:MOST])
    words = f"{name}: {told}."
    size = f' width="{width}" height="{height}"'
    return Panel(name, whole("".join(body), words, width, height, size), words)


def _short(value: float) -> float:
    return float(f"{value:.3g}") if abs(value) < 1 else float(f"{value:.5g}")
