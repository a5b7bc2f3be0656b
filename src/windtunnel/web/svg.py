"""Charts of a result as SVG: a panel for each design, all on the same scales, and words for who cannot see them.

Pure text from values. Colours are classes, so that light and dark are the page's matter. The naive design's lines stand
behind those of each other design: what is different is seen without looking to and fro.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import isfinite

from windtunnel.lab.charts import Drawn, Row, edges
from windtunnel.lab.claims import number
from windtunnel.web.graphs import graphs
from windtunnel.web.messages import messages
from windtunnel.web.panels import HEIGHT, NAME, WIDTH, Panel, Parts, Picture, text, whole
from windtunnel.web.scales import Scale, scale

LEFT, RIGHT, TOP, BOTTOM = 42, 10, 8, 22
FULL = 640
"""How wide a panel is that takes the whole width."""
BROAD, TALL = 350, 220
"""How large a panel of points is: as broad as a phone."""
BUCKETS = 50
"""Of a line with more points, each bucket keeps its first, least, greatest and last: no peak is lost."""
SHADES = 7
SPANS = 600
"""Most spans of a panel."""


def picture(one: Drawn, designs: Mapping[str, Parts], ident: str) -> Picture:
    """A chart of all designs; `ident` makes the names of its pieces its own on a page."""
    shown = {name: parts for name, parts in designs.items() if any(parts.values())}
    match one.kind:
        case "bars":
            return _bars(one, shown)
        case "heat" | "misses":
            return _heat(one, shown, ident)
        case "space-time":
            return messages(one, shown)
        case "gantt":
            return _spans(one, shown)
        case "graph":
            return graphs(one, shown)
        case _:
            return _lines(one, shown, ident)


def _frame(x: Scale, y: Scale, height: float = HEIGHT, width: float = WIDTH) -> str:
    """The axes: hairlines at round values, and the values."""
    bottom = height - BOTTOM
    rows = "".join(
        f'<path class="rule" d="M{LEFT} {y(v):.1f}H{width - RIGHT}"/>'
        f"{text(LEFT - 5, y(v) + 4, number(_clean(v)), 'end')}"
        for v in y.ticks(3)
    )
    columns = "".join(text(x(v), bottom + 15, number(_clean(v))) for v in x.ticks(4))
    return f'{rows}<path class="base" d="M{LEFT} {bottom}H{width - RIGHT}"/>{columns}'


def _shared(frame: str, ident: str, first: bool) -> str:
    """The axes of a panel: all of a chart have the same, and those behind the first take its own."""
    return f'<g id="{ident}-axes">{frame}</g>' if first else f'<use href="#{ident}-axes"/>'


def _clean(value: float) -> float:
    """Without what adding in floating point leaves."""
    return float(f"{value:.10g}")


# --- lines -------------------------------------------------------------------------------------------------------
def _lines(one: Drawn, designs: Mapping[str, Parts], ident: str) -> Picture:
    points = {design: [row for line in parts.values() for row in line] for design, parts in designs.items()}
    if len(points) > 1 and all(len(own) == 1 for own in points.values()):
        return _scattered(one, {design: own[0] for design, own in points.items()})
    rows = [row for parts in designs.values() for line in parts.values() for row in line]
    x = scale((r[0] for r in rows), LEFT, WIDTH - RIGHT, "x" in one.log)
    y = scale((r[1] for r in rows), HEIGHT - BOTTOM, TOP, "y" in one.log, zero=True)
    frame, shaded = _frame(x, y), _shaded(one, x)
    key = list(dict.fromkeys(name for parts in designs.values() for name in parts))
    naive = next(iter(designs), "")
    panels = []
    for design, parts in designs.items():
        drawn = []
        for name, line in parts.items():
            place = f' id="{ident}-{key.index(name)}"' if design == naive else ""
            half = 'transform="scale(.5)"'
            way = _path(line, x, y)
            lone = way.count("M") == 1 and "l" not in way  # a single point: a line of no length, with a round end
            kind = f"line k{key.index(name)}{' lone' * lone}"
            drawn.append(f'<path{place} class="{kind}" {half} d="{way}{"h0" * lone}"/>')
        ghosts = ""
        if design != naive:
            ghosts = "".join(
                f'<use class="ghost" href="#{ident}-{key.index(name)}"/>' for name in designs[naive] if name in parts
            )
        words = f"{design}. " + " ".join(_said(one, name, line) for name, line in parts.items())
        behind = shaded + _shared(frame, ident, design == naive) + ghosts
        panels.append(Panel(design, whole(behind + "".join(drawn), words), words))
    return Picture(one.title, one.x, one.y, one.kind, panels, key if len(key) > 1 else [])


def _scattered(one: Drawn, points: Mapping[str, Row]) -> Picture:
    """Where each design is one point: all of them in one panel, each with its name."""
    x = scale((p[0] for p in points.values()), LEFT, BROAD - RIGHT, "x" in one.log)
    y = scale((p[1] for p in points.values()), TALL - BOTTOM, TOP, "y" in one.log, zero=True)
    drawn, taken = [], list[tuple[float, float]]()
    for design, (a, b) in sorted(points.items(), key=lambda one: one[1][1]):
        if not (isfinite(a) and isfinite(b)):
            continue
        wide, beside = NAME * len(design), x(a) + 8
        left = beside if beside + wide < BROAD else x(a) - 8 - wide
        line = min(y(b) + 4, TALL - BOTTOM - 4)
        while any(abs(line - other) < 12 and abs(left - at) < 120 for at, other in taken):
            line -= 12  # names of neighbours stand above each other
        taken.append((left, line))
        drawn.append(f'<circle class="dot" cx="{x(a):.1f}" cy="{y(b):.1f}" r="4"/>{text(left, line, design, "start")}')
    said = "; ".join(f"{name}: {one.x} {number(a)}, {one.y} {number(b)}" for name, (a, b) in points.items())
    words = f"{said}."
    body = _frame(x, y, TALL, BROAD) + "".join(drawn)
    drawing = whole(body, words, BROAD, TALL, f' width="{BROAD}" height="{TALL}"')
    return Picture(one.title, one.x, one.y, one.kind, [Panel("all designs", drawing, words)], own=True)


def _shaded(one: Drawn, x: Scale) -> str:
    """When something was wrong."""
    found = []
    for begin, end, what in one.shaded:
        a, b = x(begin), x(min(end, x.high))
        if b > a:
            found.append(
                f'<rect class="trouble" x="{a:.1f}" y="{TOP}" width="{b - a:.1f}" height="{HEIGHT - BOTTOM - TOP}">'
                f"<title>{escape(what)}</title></rect>"
            )
    return "".join(found)


def _path(line: Sequence[Row], x: Scale, y: Scale) -> str:
    """The points as a path in half units, each as its distance from the one before; gaps where there is no number."""
    pieces: list[str] = []
    at: tuple[int, int] | None = None
    for a, b in thinned(line):
        if not (isfinite(a) and isfinite(b)) or (x.log and a <= 0) or (y.log and b <= 0):
            at = None
            continue
        place = (round(2 * x(a)), round(2 * y(b)))
        if at is None:
            pieces.append(f"M{place[0]} {place[1]}l")
        elif place != at:
            down = f"{place[1] - at[1]}"
            pieces.append(f"{place[0] - at[0]}{'' if down[0] == '-' else ' '}{down} ")
        at = place
    return "".join(pieces).replace(" M", "M").replace("lM", "M").rstrip(" l")


def thinned(line: Sequence[Row], buckets: int = BUCKETS) -> list[Row]:
    """A line of at most four points a bucket, with each peak and each gap."""
    if len(line) <= 4 * buckets:
        return list(line)
    found: list[Row] = []
    for i in range(buckets):
        some = line[i * len(line) // buckets : (i + 1) * len(line) // buckets]
        numbers = [j for j, row in enumerate(some) if isfinite(row[1])]
        kept = {0, len(some) - 1, *(j for j, row in enumerate(some) if not isfinite(row[1]))}
        if numbers:
            kept |= {min(numbers, key=lambda j: some[j][1]), max(numbers, key=lambda j: some[j][1])}
        found += [some[j] for j in sorted(kept)]
    return found


def _said(one: Drawn, name: str, line: Sequence[Row]) -> str:
    """What a line does, in a sentence."""
    points = [row for row in line if isfinite(row[1])]
    if not points:
        return f"{name}: nothing."
    first, last = points[0], points[-1]
    low, high = min(points, key=lambda r: r[1]), max(points, key=lambda r: r[1])
    return (
        f"{name}: {one.y}, from {number(first[1])} at {one.x} {number(first[0])} to {number(last[1])} at "
        f"{number(last[0])}; least {number(low[1])}, most {number(high[1])}."
    )


# --- bars --------------------------------------------------------------------------------------------------------
def _bars(one: Drawn, designs: Mapping[str, Parts]) -> Picture:
    """A panel for each x, a bar in it for each design."""
    rows = [(d, name, row) for d, parts in designs.items() for name, line in parts.items() for row in line]
    key = list(dict.fromkeys(name for _, name, _ in rows))
    log = "y" in one.log
    left = 8 + NAME * max((len(d) for d in designs), default=0)
    size = scale((row[1] for _, _, row in rows), left, WIDTH - 46, log, zero=not log)
    panels = []
    for place in dict.fromkeys(row[0] for _, _, row in rows):
        drawn, at, said = [], 4.0, []
        for design in designs:
            for name in key:
                for value in (row[1] for d, n, row in rows if (d, n) == (design, name) and row[0] == place):
                    end = size(value) if isfinite(value) else left
                    start = size.first if log else size(0.0)
                    a, b = min(start, end), max(start, end)
                    drawn.append(
                        f'{text(left - 6, at + 10, design if name == key[0] else "", "end")}<rect class="bar '
                        f'k{key.index(name)}" x="{a:.1f}" y="{at:.1f}" width="{max(0.8, b - a):.1f}" height="11"/>'
                        f"{text(b + 4, at + 10, number(value), 'start')}"
                    )
                    said.append(f"{design} {number(value)}")
                    at += 16
            at += 4 if len(key) > 1 else 0
        name = f"{one.x} {number(place)}" if one.x else number(place)
        words = f"{name}: {one.y}; {', '.join(said)}."
        panels.append(Panel(name, whole("".join(drawn), words, WIDTH, at + 4), words))
    return Picture(one.title, "", one.y, one.kind, panels, key if len(key) > 1 else [])


# --- heat --------------------------------------------------------------------------------------------------------
def _heat(one: Drawn, designs: Mapping[str, Parts], ident: str) -> Picture:
    """A map for each design, all in the same shades; neighbours of one shade are one piece."""
    every = [row for parts in designs.values() for line in parts.values() for row in line]
    found = [row[2] for row in every if isfinite(row[2])] or [0.0]
    low, high = min(found), max(found)
    xs, ys = sorted({row[0] for row in every}), sorted({row[1] for row in every})
    across, down = {v: i for i, v in enumerate(xs)}, {v: i for i, v in enumerate(ys)}
    x, y = (
        scale((-0.5, len(xs) - 0.5), LEFT, WIDTH - RIGHT),
        scale((-0.5, len(ys) - 0.5), HEIGHT - BOTTOM, TOP),
    )
    frame = "".join(text(x(at), HEIGHT - BOTTOM + 18, number(_clean(v))) for at, v in _written(xs)) + "".join(
        text(LEFT - 5, y(at) + 4, number(_clean(v)), "end") for at, v in _written(ys)
    )
    inner = f'x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}"'
    panels: list[Panel] = []
    for design, parts in designs.items():
        for name, line in parts.items():
            shades: dict[int, dict[int, list[int]]] = {}
            for a, b, value in line:
                shade = round((value - low) / (high - low) * SHADES) if isfinite(value) and high > low else 0
                if shade:
                    shades.setdefault(shade, {}).setdefault(len(ys) - 1 - down[b], []).append(across[a])
            paths = "".join(f'<path class="s{s}" d="{_runs(cells)}"/>' for s, cells in sorted(shades.items()))
            title = design if len(parts) == 1 else f"{design}, {name}"
            worst = max((row for row in line if isfinite(row[2])), key=lambda r: r[2], default=None)
            at = f", at {one.x} {number(worst[0])}, {one.y} {number(worst[1])}" if worst else ""
            most = number(worst[2] if worst else 0)
            words = f"{title}: {name}, from {number(low)} to {number(high)} in all; most {most}{at}."
            box = f'viewBox="0 0 {len(xs)} {len(ys)}" preserveAspectRatio="none"'
            kind = "heat" if one.kind == "heat" else f"heat {one.kind}"
            body = f'<svg {inner} {box} class="{kind}">{paths}</svg>'
            ground = _shared(f'<rect class="empty" {inner}/>{frame}', ident, not panels)
            panels.append(Panel(title, whole(ground + body, words), words))
    said = f"{one.y}; darkest {number(high)}, ground {number(low)}"
    return Picture(one.title, one.x, said, one.kind, panels)


def _written(values: Sequence[float]) -> list[tuple[float, float]]:
    """What is written at an axis of cells: at which of them, and the value. Round ones where cells lie side by side."""
    if (ends := edges(values)) is None:
        every = 1 + (len(values) - 1) // 4
        return [(float(i), values[i]) for i in range(0, len(values), every)]
    return [((v - ends[0]) / (ends[1] - ends[0]) * len(values) - 0.5, v) for v in Scale(*ends, 0, 1).ticks()]


def _runs(cells: Mapping[int, Sequence[int]]) -> str:
    """Cells of a row that stand side by side, as one rectangle each."""
    pieces = []
    for row, columns in sorted(cells.items()):
        ordered = sorted(columns)
        start = end = ordered[0]
        for column in [*ordered[1:], None]:
            if column == end + 1 and column is not None:
                end = column
                continue
            pieces.append(f"M{start} {row}h{end - start + 1}v1H{start}z")
            if column is not None:
                start = end = column
    return "".join(pieces)


# --- spans ------------------------------------------------------------------------------------------------------
KINDS = 4
"""Shades of spans that can be told apart."""
LETTER, FEWEST_LETTERS = 4.6, 3
"""How wide a letter in a span is, and how many are worth writing."""


def _spans(one: Drawn, designs: Mapping[str, Parts]) -> Picture:
    """Who is busy when, and with what: a lane for each thing. More kinds than there are shades stand in words."""
    every = [row for parts in designs.values() for line in parts.values() for row in line]
    key = list(dict.fromkeys(row[3] for row in every))
    worded = len(key) > KINDS
    panels = []
    for design, parts in designs.items():
        rows = [row for line in parts.values() for row in line]
        things = list(dict.fromkeys(row[0] for row in rows))
        left = 16 + NAME * max(map(len, things))
        t = scale((v for row in every for v in (row[1], row[2])), left, FULL - 14)
        height = 16 + len(things) * 20 + 10
        labels = [text(left - 8, 18 + i * 20, thing, "end") for i, thing in enumerate(things)]
        labels += [text(t(v), height - 2, number(_clean(v))) for v in t.ticks(6)]
        body = []
        last = {row[0]: row for row in sorted(rows, key=lambda row: row[1])}
        for row in rows[:SPANS]:
            thing, begin, end, what = row
            a, b, y = t(begin), t(end), 8 + things.index(thing) * 20
            wide = max(0.8, b - a)
            letters = int((b - a - 4) / LETTER) if worded else 0
            told = f"<title>{escape(f'{thing}: {what}, {number(begin)} to {number(end)}')}</title>"
            kind = "" if worded else f' class="bar k{key.index(what)}"'
            body.append(
                f'<path{kind} d="M{a:.0f} {y}h{wide:.1f}v13h-{wide:.1f}z"'
                + ("/>" if len(what) <= letters else f">{told}</path>")  # what is said whole needs no title
            )
            if worded and letters < len(what) and row is last[thing] and b + 3 + LETTER * len(what) < FULL - 14:
                body.append(f'<text x="{b + 3:.0f}" y="{y + 9.5}">{escape(what)}</text>')  # nothing comes after it
            elif letters >= FEWEST_LETTERS:
                said = what if len(what) <= letters else what[: letters - 1].rstrip() + "…"
                body.append(f'<text x="{a + 3:.0f}" y="{y + 9.5}">{escape(said)}</text>')
        body = [*labels, '<g class="spans">', *body, "</g>"] if worded else [*labels, *body]
        words = f"{design}: {len(rows)} spans of {', '.join(things)}, from {number(t.low)} to {number(t.high)}."
        panels.append(Panel(design, whole("".join(body), words, FULL, height), words))
    return Picture(one.title, one.x, one.y, one.kind, panels, [] if worded else key, wide=True)
