"""Space-time diagrams: who did what when, time going down, one lane for each client or host (Lamport, CACM 1978).

As text for the terminal and as SVG for page and docs. Rows are moments in their order, not to scale: in a failing case
what matters is what came between, and a pause of a minute must not take a screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from windtunnel.lab.history import Event


@dataclass(frozen=True, slots=True)
class Mark:
    """Something at one moment in one lane. ``edge``: "begin" and "end" of an operation, or "" for a single moment."""

    at_s: float
    lane: str
    text: str
    edge: str = ""
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Arrow:
    """A message from one lane to another; ``to_s`` is None where it was lost."""

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
        sent = [
            Mark(a.from_s, a.source, f"{a.text} to {a.target}" + (" (lost)" if a.to_s is None else ""))
            for a in self.arrows
        ]
        got = [Mark(a.to_s, a.target, f"{a.text} from {a.source}") for a in self.arrows if a.to_s is not None]
        # Ends come before beginnings at the same moment: what ended then was before what began then.
        return sorted([*self.marks, *sent, *got], key=lambda m: (m.at_s, m.edge == "begin"))

    def text(self, width: int = 100) -> str:
        """The diagram in box characters, at most ``width`` columns wide; a plain list where the lanes do not fit."""
        if not self.lanes:
            return ""
        column = (width - 12) // len(self.lanes)
        if column < 14:
            rows = (f"{self._when(m.at_s):>10}  {m.lane}: {m.text}{'  ✗' if m.bad else ''}" for m in self._rows())
            return "\n".join(row if len(row) <= width else row[: width - 1] + "…" for row in rows)
        lines = [" " * 12 + "".join(_fit(lane, column) for lane in self.lanes).rstrip()]
        inside = dict.fromkeys(self.lanes, 0)
        for mark in self._rows():
            cells = []
            for lane in self.lanes:
                if lane != mark.lane:
                    cells.append(_fit("│" if inside[lane] else "", column))
                    continue
                sign = {"begin": "┌", "end": "└"}.get(mark.edge, "•")
                if mark.edge == "begin":
                    inside[lane] += 1
                elif mark.edge == "end":
                    inside[lane] -= 1
                cells.append(_fit(f"{sign} {mark.text}{'  ✗' if mark.bad else ''}", column))
            lines.append(f"{self._when(mark.at_s):>10}  {''.join(cells)}".rstrip())
        return "\n".join(lines)

    def svg(self) -> str:
        """The diagram as one SVG element, without outside references."""
        rows, lane_px, row_px, left, top = self._rows(), 190, 26, 90, 40
        x = {lane: left + lane_px * i + 20 for i, lane in enumerate(self.lanes)}
        y = [top + row_px * (i + 1) for i in range(len(rows))]
        height, width = top + row_px * (len(rows) + 1), left + lane_px * len(self.lanes)
        out = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'font-family="system-ui, sans-serif" font-size="12" role="img">'
        ]
        for lane in self.lanes:
            out.append(f'<text x="{x[lane]}" y="20" font-weight="600" text-anchor="middle">{escape(lane)}</text>')
            out.append(f'<line x1="{x[lane]}" y1="30" x2="{x[lane]}" y2="{height - 8}" stroke="#bbb"/>')
        out += self._bars(rows, x, y)
        out += self._arrows(rows, x, y)
        for mark, at in zip(rows, y, strict=True):
            colour = "#c0392b" if mark.bad else "#222"
            out.append(f'<text x="6" y="{at + 4}" fill="#888">{escape(self._when(mark.at_s))}</text>')
            out.append(f'<circle cx="{x[mark.lane]}" cy="{at}" r="3.5" fill="{colour}"/>')
            out.append(f'<text x="{x[mark.lane] + 10}" y="{at + 4}" fill="{colour}">{escape(mark.text)}</text>')
        return "\n".join([*out, "</svg>"])

    def _bars(self, rows: Sequence[Mark], x: dict[str, int], y: Sequence[int]) -> list[str]:
        """A thick line for the time that each operation takes."""
        out, open_at = [], {lane: list[int]() for lane in self.lanes}
        for mark, at in zip(rows, y, strict=True):
            if mark.edge == "begin":
                open_at[mark.lane].append(at)
            elif mark.edge == "end" and open_at[mark.lane]:
                start = open_at[mark.lane].pop()
                colour = "#c0392b" if mark.bad else "#2c7fb8"
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
    """The diagram of these operations; those whose ids are in ``bad`` stand out."""
    marks: list[Mark] = []
    lanes: dict[str, None] = {}
    wrong = set(bad)
    for event in sorted(events, key=lambda e: (e.start, e.id)):
        lanes[event.client] = None
        said = ", ".join(f"{a:.4g}" if isinstance(a, float) else str(a) for a in event.args)
        marks.append(Mark(event.start, event.client, f"{event.name}({said})", "begin", event.id in wrong))
        answer = "" if event.value is None else f" {event.value}"
        marks.append(Mark(event.end, event.client, f"{event.outcome}{answer}", "end", event.id in wrong))
    messages = tuple(arrows)
    for arrow in messages:
        lanes.setdefault(arrow.source)
        lanes.setdefault(arrow.target)
    return Diagram(tuple(lanes), tuple(marks), messages)


def _fit(text: str, width: int) -> str:
    return text.ljust(width) if len(text) < width else text[: width - 2] + "… "


def _time(seconds: float) -> str:
    return f"{seconds:.6f} s" if seconds < 10 else f"{seconds:.3f} s"
