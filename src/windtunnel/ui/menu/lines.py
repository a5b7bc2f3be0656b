"""Lines of text side by side: what the rooms are drawn with."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import zip_longest

from rich.cells import cell_len
from rich.text import Text

CHOSEN = "▸"


def wrapped(text: str, width: int, indent: str = "", style: str = "") -> list[Text]:
    """A sentence in lines no wider than that; what goes on is indented."""
    return [Text(line, style) for line in textwrap.wrap(text, max(8, width), subsequent_indent=indent)] or [Text("")]


def signed(sign: str, style: str, text: str, width: int, body: str = "") -> list[Text]:
    """A sentence behind a sign; what goes on stands below its beginning."""
    lead = Text.assemble((f"{sign} ", style))
    rows = wrapped(text, width - 2, style=body)
    return [(Text("  ") if row else lead) + line for row, line in enumerate(rows)]


def cut(line: Text, width: int) -> Text:
    """The line in exactly so many columns; what does not fit ends in …."""
    found = line.copy()
    found.truncate(width, overflow="ellipsis", pad=True)
    return found


def rule(parts: Sequence[tuple[str, int, bool]], joint: str = "─") -> Text:
    """A line across, with a title over each part: title, columns, and whether it is in front (a heavier line)."""
    line = Text()
    for number, (title, width, front) in enumerate(parts):
        stroke, style = ("━", "bold") if front else ("─", "dim")
        line.append(joint if number else "", "dim")
        title = title[: max(0, width - 2)]
        line.append(stroke, style).append(title, "bold" if front else "")
        line.append(stroke * max(0, width - 1 - cell_len(title)), style)
    return line


def beside(panes: Sequence[Sequence[Text]], widths: Sequence[int], height: int, joint: str = " ") -> list[Text]:
    """Panes side by side, each as wide as it is told, all so high."""
    rows = zip_longest(*(list(pane[:height]) for pane in panes), fillvalue=Text(""))
    between = Text.assemble((joint, "dim"))  # a style of its own would be that of the whole line
    found = [between.join(cut(one, w) for one, w in zip(row, widths, strict=True)) for row in rows]
    blank = between.join(Text(" " * width) for width in widths)
    return found + [blank] * (height - len(found))


def window(count: int, at: int, height: int) -> range:
    """Which lines of so many are seen, where this one must be."""
    first = max(0, min(at - height // 2, count - height))
    return range(first, min(count, first + height))


def joined(lines: Sequence[Text]) -> Text:
    """Lines below each other."""
    return Text("\n").join(lines)


def bar(done: int, total: int, width: int) -> Text:
    """How far something is."""
    full = round(width * done / total) if total else 0
    return Text.assemble(("━" * full, "bold"), ("─" * (width - full), "dim"))
