"""Phase maps and turning points that are committed, as SVG with a mark for where one is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import escape
from itertools import pairwise
from typing import Any

from windtunnel.lab.claims import number
from windtunnel.web.scales import Scale

WIDTH, HEIGHT = 560, 330
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 10, 44
SAYS = {
    ("holds", True): "holds",
    ("holds", False): "holds, not claimed there",
    ("fails", True): "fails",
    ("fails", False): "does not hold, nor is it claimed",
    ("mixed", True): "on some seeds",
    ("mixed", False): "on some seeds, not claimed there",
    ("unknown", True): "cannot be told",
    ("unknown", False): "cannot be told, nor is it claimed",
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """A map as it is drawn. `axes` says where parameters stand, for the mark that follows a slider."""

    because: str
    expression: str
    svg: str
    key: list[tuple[str, str]]
    told: str
    axes: dict[str, Any]


def drawing(document: Mapping[str, Any], here: Mapping[str, Any]) -> Drawing:
    """A committed document of `windtunnel map`; `here` are the parameters at which one is."""
    return _map(document, here) if "cells" in document else _turning(document, here)


def _axis(document: Mapping[str, Any], letter: str, first: float, last: float) -> Scale:
    low, high = document[f"{letter}_range"]
    return Scale(float(low), float(high), first, last, letter in document.get("log", ""))


def _edges(values: list[float], scale: Scale) -> list[float]:
    """Where cells end: half way to the next, and at both ends of the axis."""
    places = [scale(v) for v in values]
    middle = [(a + b) / 2 for a, b in pairwise(places)]
    return [scale.first, *middle, scale.last]


def _map(document: Mapping[str, Any], here: Mapping[str, Any]) -> Drawing:
    x, y = _axis(document, "x", LEFT, WIDTH - RIGHT), _axis(document, "y", HEIGHT - BOTTOM, TOP)
    cells = document["cells"]
    xs, ys = sorted({c["x"] for c in cells}), sorted({c["y"] for c in cells})
    across, down = _edges(xs, x), _edges(ys, y)
    used: dict[tuple[str, bool], str] = {}
    pieces: dict[str, list[str]] = {}
    for cell in cells:
        i, j = xs.index(cell["x"]), ys.index(cell["y"])
        kind = (cell["state"], bool(cell["claimed"]))
        used[kind] = f"c-{cell['state']}{'' if cell['claimed'] else ' free'}"
        a, b, c, d = (round(v) for v in (across[i], across[i + 1], down[j + 1], down[j]))
        pieces.setdefault(used[kind], []).append(f"M{a} {c}h{b - a - 1}v{d - c - 1}H{a}z")
    body = [f'<path class="{kind}" d="{"".join(found)}"/>' for kind, found in pieces.items()]
    line = [f"{x(float(a)):.1f} {y(float(b)):.1f}" for a, b in document.get("line", [])]
    body += [f'<circle class="theory" cx="{p.split()[0]}" cy="{p.split()[1]}" r="2.2"/>' for p in line]
    body += _labels(x, y, document["x"], document["y"])
    body.append(_here(x, y, here.get(document["x"]), here.get(document["y"])))
    counts = {state: sum(c["state"] == state for c in cells) for state in ("holds", "mixed", "fails", "unknown")}
    said = ", ".join(f"{state} in {count}" for state, count in counts.items() if count)
    words = f"Map of {document['expression']} over {document['x']} and {document['y']}: {said} of {len(cells)} cells."
    theory = f" Dots: theory, {document['theory']}." if line else ""
    told = f"{document['runs']:,} runs on {len(document['seeds'])} seeds.{theory}"
    axes = {"x": _spec(document["x"], x), "y": _spec(document["y"], y)}
    key = [(used[kind], SAYS[kind]) for kind in SAYS if kind in used]
    svg = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(words)}">{"".join(body)}</svg>'
    return Drawing(document["because"], document["expression"], svg, key, told, axes)


def _turning(document: Mapping[str, Any], here: Mapping[str, Any]) -> Drawing:
    """Where along one parameter a claim turns: a dot a seed, the mean with its interval, and theory."""
    height = 120
    x, y = _axis(document, "x", LEFT, WIDTH - RIGHT), Scale(0.0, 1.0, height - BOTTOM, TOP)
    body = []
    low, high, mean = document.get("low"), document.get("high"), document.get("mean")
    if isinstance(low, float) and isinstance(high, float):
        a, b = x(low), x(high)
        body.append(
            f'<rect class="within" x="{a:.1f}" y="{TOP}" width="{b - a:.1f}" height="{height - BOTTOM - TOP}"/>'
        )
    turned = [float(v) for v in document["at"] if isinstance(v, int | float)]
    body += [f'<circle class="seed" cx="{x(v):.1f}" cy="{(height - BOTTOM + TOP) / 2:.0f}" r="5"/>' for v in turned]
    if isinstance(document.get("line"), int | float):
        body.append(f'<path class="theory" d="M{x(document["line"]):.1f} {TOP}V{height - BOTTOM}"/>')
    body += _labels(x, y, document["x"], "")
    body.append(_here(x, y, here.get(document["x"]), 0.5))
    at = f"It turns at {document['x']} = {number(mean)}" if isinstance(mean, int | float) else "It turns nowhere here"
    theory = f"; theory says {number(document['line'])}" if isinstance(document.get("line"), int | float) else ""
    words = f"{document['expression']}: {at}, found on {len(turned)} of {len(document['at'])} seeds{theory}."
    told = f"{at}: {len(turned)} seeds, a dot each{theory}. {document['runs']:,} runs."
    svg = f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(words)}">{"".join(body)}</svg>'
    return Drawing(
        document["because"], document["expression"], svg, [], told, {"x": _spec(document["x"], x), "y": None}
    )


def _labels(x: Scale, y: Scale, x_name: str, y_name: str) -> list[str]:
    bottom = max(y.first, y.last)
    found = [
        f'<text x="{x(v):.0f}" y="{bottom + 17:.0f}" text-anchor="middle">{number(float(f"{v:.8g}"))}</text>'
        for v in x.ticks(6)
    ]
    found.append(f'<text x="{WIDTH - RIGHT}" y="{bottom + 36:.0f}" text-anchor="end">{escape(x_name)} →</text>')
    if y_name:
        found += [
            f'<text x="{LEFT - 7}" y="{y(v) + 4:.0f}" text-anchor="end">{number(float(f"{v:.8g}"))}</text>'
            for v in y.ticks(5)
        ]
        found.append(f'<text x="4" y="{bottom + 36:.0f}" text-anchor="start">↑ {escape(y_name)}</text>')
    return found


def _here(x: Scale, y: Scale, at_x: Any, at_y: Any) -> str:
    """The mark, hidden where the parameters have no place on the map."""
    there = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (at_x, at_y))
    place = f"{x(at_x):.1f} {y(at_y):.1f}" if there else "-20 -20"
    return f'<g class="here" transform="translate({place})"><path d="M0 -8L6 0L0 8L-6 0z"/></g>'


def _spec(name: str, scale: Scale) -> dict[str, Any]:
    """What a slider needs to move the mark."""
    return {"name": name, **asdict(scale)}
