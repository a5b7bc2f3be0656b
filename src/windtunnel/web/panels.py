"""What a drawn chart is made of: panels, each a picture under its name with a sentence for who cannot see it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from windtunnel.lab.charts import Row

WIDTH, HEIGHT = 320, 150
NAME = 6.2
"""How wide a letter of a name is, at most about."""
Parts = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture under its name, with the sentence that says what it shows."""

    name: str
    svg: str
    words: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart as it is drawn.

    `key`: the names of lines, in the order of their classes `k0`, `k1`, ... A `wide` panel takes the whole width, and
    where panels have their `own` sizes each has as many pixels as it says. `wrong`: something in it is marked as wrong.
    """

    title: str
    x: str
    y: str
    kind: str
    panels: list[Panel]
    key: list[str] = field(default_factory=list)
    wide: bool = False
    own: bool = False
    wrong: bool = False


def whole(body: str, words: str, width: float = WIDTH, height: float = HEIGHT, more: str = "") -> str:
    """What is drawn as a picture with its sentence."""
    head = f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(words)}"{more}>'
    return f"{head}{body}</svg>"


def text(x: float, y: float, said: str, anchor: str = "middle") -> str:
    """Words at a place."""
    if not said:
        return ""
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:.0f}" y="{y:.0f}"{where}>{escape(said)}</text>'
