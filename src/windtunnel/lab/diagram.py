"""Space-time diagrams: who did what when, time going down, one lane for each client or host (Lamport, CACM 1978).

As text for the terminal and as SVG for page and docs. Rows are moments in their order, not to scale: in a failing case
what matters is what came between, and a pause of a minute must not take a screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap

from windtunnel.lab.history import Event

LETTER_PX = 7
"""How wide a letter is, about; those of most fonts are narrower at this size."""
BAD = "#c0392b"
WIDTH = 100
"""Columns of a diagram as text, where nobody says how many there are."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something at one moment in one lane. `edge`: "begin" and "end" of an operation, or "" for a single moment."""

    at_s: float
    lane: str
    text: str
    edge: str = ""
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Arrow:
    """A message from one lane to another; `to_s` is None where it was lost."""

    from_s: float
    source: str
    to_s: float | None
    target: str
    text: str


@dataclass(frozen=True)
class Diagram:
    """Marks and arrows in their order."""

    lanes: tuple[str, ...]
    marks: tuple[Mark, ...]
    arrows: tuple[Arrow, ...] = ()
    clock: str = "seconds"
    """What the times of the marks are: "seconds", or "steps" of a schedule."""

    @property
    def moments(self) -> list[float]:
        """Every second at which something happens, in order."""
        return [mark.at_s for mark in self._rows()]

    def _when(self, at: float) -> str:
        return _time(at) if self.clock == "seconds" else f"step {at + 1:.0f}"

    def _rows(self) -> list[Mark]:
        # At the same moment: what arrives, what ends, what begins because of that, and what is sent then. What ended
        # was before what began, and a message that takes no time is sent before it arrives.
        ranked = [(mark, 2 if mark.edge == "begin" else 1) for mark in self.marks]
        for a in self.arrows:
            lost = " (lost)" if a.to_s is None else ""
            ranked.append((Mark(a.from_s, a.source, f"{a.text} to {a.target}{lost}"), 3))
            if a.to_s is not None:
                ranked.append((Mark(a.to_s, a.target, f"{a.text} from {a.source}"), 0 if a.to_s > a.from_s else 4))
        return [mark for mark, _ in sorted(ranked, key=lambda one: (one[0].at_s, one[1]))]

    def text(self, width: int = WIDTH) -> str:
        """The diagram in box characters, at most `width` columns wide; a plain list where the lanes do not fit."""
        if not self.lanes:
            return ""
        column = (width - 12) // len(self.lanes)
        if column < 14:
            rows = (f"{self._when(m.at_s):>10}  {m.lane}: {m.text}{'  ✗' if m.bad else ''}" for m in self._rows())
            return "\n".join(row if len(row) <= width else row[: width - 1] + "…" for row in rows)
        lines = [" " * 12 + "".join(_fit(lane, column) for lane in self.lanes).rstrip()]
        inside = dict.fromkeys(self.lanes, 0)
        for mark in self._rows():
            row = [" "] * (12 + column * len(self.lanes))
            for place, lane in enumerate(self.lanes):
                if inside[lane]:
                    row[12 + column * place] = "│"
            inside[mark.lane] += {"begin": 1, "end": -1}.get(mark.edge, 0)
            sign = {"begin": "┌", "end": "└"}.get(mark.edge, "•")
            start = 12 + column * self.lanes.index(mark.lane)
            # Long text runs on through lanes in which nothing is under way.
            room = next((i for i in range(start + 1, len(row)) if row[i] != " "), len(row) + 1) - 1 - start
            said = f"{sign} {mark.text}{'  ✗' if mark.bad else ''}"
            row[start : start + room] = (said if len(said) <= room else said[: room - 1] + "…").ljust(room)
            lines.append(f"{self._when(mark.at_s):>10}  {''.join(row[12:])}".rstrip())
        return "\n".join(lines)

    def svg(self, caption: str = "") -> str:
        """The diagram as one SVG element, without outside references, under a caption."""
        rows, row_px, left = self._rows(), 26, 90
        widths = [self._lane_px(lane, rows) for lane in self.lanes]
        x = {lane: left + sum(widths[:i]) + 20 for i, lane in enumerate(self.lanes)}
        width = max(left + sum(widths), 480)
        told = wrap(caption, width // LETTER_PX - 2)
        top = 40 + 18 * len(told)
        y = [top + row_px * (i + 1) for i in range(len(rows))]
        height = top + row_px * (len(rows) + 1)
        out = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'font-family="system-ui, sans-serif" font-size="12" role="img">',
            *([f"<title>{escape(caption)}</title>"] if caption else []),
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
        ]
        for place, line in enumerate(told):
            out.append(f'<text x="6" y="{18 + 18 * place}" fill="#222">{escape(line)}</text>')
        for lane in self.lanes:
            out.append(f'<text x="{x[lane] - 4}" y="{top - 18}" fill="#222" font-weight="600">{escape(lane)}</text>')
            out.append(f'<line x1="{x[lane]}" y1="{top - 10}" x2="{x[lane]}" y2="{height - 8}" stroke="#bbb"/>')
        out += self._bars(rows, x, y)
        out += self._arrows(rows, x, y)
        for mark, at in zip(rows, y, strict=True):
            colour = BAD if mark.bad else "#222"
            out.append(f'<text x="6" y="{at + 4}" fill="#888">{escape(self._when(mark.at_s))}</text>')
            out.append(f'<circle cx="{x[mark.lane]}" cy="{at}" r="3.5" fill="{colour}"/>')
            out.append(f'<text x="{x[mark.lane] + 10}" y="{at + 4}" fill="{colour}">{escape(mark.text)}</text>')
        return "\n".join([*out, "</svg>"])

    def _lane_px(self, lane: str, rows: Sequence[Mark]) -> int:
        """Room for the longest text of a lane."""
        return max(110, 44 + LETTER_PX * max(len(lane), *(len(m.text) for m in rows if m.lane == lane), 0))

    def _bars(self, rows: Sequence[Mark], x: dict[str, int], y: Sequence[int]) -> list[str]:
        """A thick line for the time that each operation takes."""
        out, open_at = [], {lane: list[tuple[int, bool]]() for lane in self.lanes}
        for mark, at in zip(rows, y, strict=True):
            if mark.edge == "begin":
                open_at[mark.lane].append((at, mark.bad))
            elif mark.edge == "end" and open_at[mark.lane]:
                start, bad = open_at[mark.lane].pop()
                colour = BAD if bad or mark.bad else "#2c7fb8"
                out.append(
                    f'<line x1="{x[mark.lane]}" y1="{start}" x2="{x[mark.lane]}" y2="{at}" '
                    f'stroke="{colour}" stroke-width="5" opacity="0.6"/>'
                )
        return out

    def _arrows(self, rows: Sequence[Mark], x: dict[str, int], y: Sequence[int]) -> list[str]:
        place = {(mark.at_s, mark.lane, mark.text): at for mark, at in zip(rows, y, strict=True)}
        out = []
        for a in self.arrows:
            lost = a.to_s is None
            start = place[a.from_s, a.source, f"{a.text} to {a.target}" + (" (lost)" if lost else "")]
            end = start + 13 if a.to_s is None else place[a.to_s, a.target, f"{a.text} from {a.source}"]
            x2 = (x[a.source] + x[a.target]) // 2 if lost else x[a.target]
            dash = ' stroke-dasharray="4 3"' if lost else ""
            out.append(f'<line x1="{x[a.source]}" y1="{start}" x2="{x2}" y2="{end}" stroke="#888"{dash}/>')
        return out


def of_events(events: Iterable[Event], bad: Iterable[int] = (), arrows: Iterable[Arrow] = ()) -> Diagram:
    """The diagram of these operations; those whose ids are in `bad` stand out.

    A client that asks again before it is answered has several lanes: it must be seen which answer belongs to what.
    """
    marks: list[Mark] = []
    wrong = set(bad)
    lanes = Lanes()
    for event in sorted(events, key=lambda e: (e.start, e.id)):
        said = f"{event.name}({', '.join(map(_said, event.args))})"
        answer = event.outcome if event.value is None else f"{event.outcome} {_said(event.value)}"
        lane = lanes.free(event.client, event.start, event.end)
        if event.end > event.start:
            marks.append(Mark(event.start, lane, said, "begin", event.id in wrong))
            marks.append(Mark(event.end, lane, answer, "end", event.id in wrong))
        else:
            marks.append(Mark(event.start, lane, f"{said} {answer}", "", event.id in wrong))
    messages = tuple(arrows)
    others = dict.fromkeys(name for arrow in messages for name in (arrow.source, arrow.target))
    return Diagram(tuple(dict.fromkeys([*lanes.names(), *others])), tuple(marks), messages)


class Lanes:
    """Lanes in which nothing overlaps: the second at a time goes into one of its own beside the first."""

    def __init__(self) -> None:
        self._free_at: dict[str, list[float]] = {}

    def free(self, name: str, start: float, end: float) -> str:
        """The first lane of this name that is free from `start`, taken until `end`; ask in order of the starts."""
        own = self._free_at.setdefault(name, [])
        place = next((i for i, until in enumerate(own) if until <= start), len(own))
        own[place : place + 1] = [end]
        return _lane(name, place)

    def names(self) -> list[str]:
        """All lanes, those of one name side by side."""
        return [_lane(name, place) for name, own in self._free_at.items() for place in range(len(own))]


def _lane(name: str, place: int) -> str:
    return f"{name} ({place + 1})" if place else name


def _said(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _fit(text: str, width: int) -> str:
    return text.ljust(width) if len(text) < width else text[: width - 2] + "… "


def _time(seconds: float) -> str:
    return f"{seconds:.6f} s" if seconds < 10 else f"{seconds:.3f} s"
