"""Charts of states and the steps between them: a graph for each name, from the left to the right by steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from windtunnel.lab.charts import Drawn, Row
from windtunnel.lab.layers import layers
from windtunnel.web.panels import WIDTH, Panel, Parts, Picture, whole

SIDE, LANE = 8, 9
TOLD = 20
"""So many steps of one kind are drawn one by one, each with what it is; more are one line."""


def graphs(one: Drawn, designs: Mapping[str, Parts]) -> Picture:
    """A panel for each graph of each design. Kinds of steps are drawn in the order of the key, the last on top."""
    key = list(dict.fromkeys(row[3] for parts in designs.values() for rows in parts.values() for row in rows))
    panels = []
    for design, parts in designs.items():
        for name, rows in parts.items():
            if not rows:
                continue
            found = layers((row[0], row[1]) for row in rows)
            widest = max(map(len, found))
            wide = (WIDTH - 2 * SIDE) / max(1, len(found) - 1)
            at = {
                node: (round(SIDE + i * wide), round(SIDE + LANE * (place + (widest - len(layer)) / 2)))
                for i, layer in enumerate(found)
                for place, node in enumerate(layer)
            }
            body, counted = [], []
            for number, kind in enumerate(key):
                steps = [row for row in rows if row[3] == kind]
                if not steps:
                    continue
                counted.append(f"{len(steps)} {kind}")
                if len(steps) > TOLD:
                    body.append(f'<path class="line way k{number}" d="{_ways(at, steps)}"/>')
                    continue
                for row in steps:
                    drawn = f'<path class="line way k{number}" d="{_ways(at, [row])}">'
                    body.append(f"{drawn}<title>{escape(row[2])}</title></path>")
            title = design if len(parts) == 1 else f"{design} {name}"
            words = f"{title}: {len(at)} states, at most {len(found) - 1} steps deep; steps: {', '.join(counted)}."
            panels.append(Panel(title, whole("".join(body), words, WIDTH, 2 * SIDE + LANE * (widest - 1)), words))
    return Picture(one.title, one.x, one.y, one.kind, panels, key)


def _ways(at: Mapping[str, tuple[int, int]], steps: Sequence[Row]) -> str:
    """Straight lines, each going on from the last where it can; what comes back to itself is a bow."""
    after: dict[str, list[str]] = {}
    for row in reversed(steps):
        after.setdefault(row[0], []).append(row[1])
    drawn = []
    for row in steps:
        here = row[0]
        if after[here]:
            drawn.append(f"M{at[here][0]} {at[here][1]}")
        while after.get(here):
            there = after[here].pop()
            (a, b), (c, d) = at[here], at[there]
            drawn.append(f"l{c - a} {d - b}" if here != there else "c-9-9 9-9 0 0")
            here = there
    return "".join(drawn)
