"""A table that keeps everything side by side, however narrow the screen.

Headers wrap, numbers shorten, rows and columns change places, and at last each row becomes a list of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from windtunnel.lab.claims import interval
from windtunnel.lab.statistics import Interval

Cell = Interval | Text
Form = Callable[[Interval], str]


def tight(found: Interval) -> str:
    """A mean with half of its interval, without blanks."""
    return interval(found, 2, "±")


def short(found: Interval) -> str:
    """The same with one digit of the half width."""
    return interval(found, 1, "±")


def stacked(found: Interval) -> str:
    """The same in two lines."""
    text = interval(found, 2, "\n±")
    return text if "\n" in text else f"{text}\n"  # all means stand in the first line


def side_by_side(
    rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[Cell]], width: int
) -> RenderableType:
    """`cells[r][c]` under `columns[c]` in row `rows[r]`, in as readable a form as the width allows.

    Where even turning the table does not make room, each row becomes a list: its name, and a line a column.
    """
    turned = [[cells[r][c] for r in range(len(rows))] for c in range(len(columns))]
    for down, across, found in ((rows, columns, cells), (columns, rows, turned)):
        longest = max(map(len, down), default=0)
        for limit in (longest, min(longest, 16), min(longest, 12)):
            for form in (interval, tight, short, stacked):
                table = _table(down, across, found, form, limit, width)
                if table is not None:
                    return table
    # What is asked is how the columns compare, so each row keeps all of them below each other.
    listed = Table.grid(padding=(0, 1))
    listed.add_column(justify="left")
    listed.add_column(justify="right")
    for row, line in zip(rows, cells, strict=True):
        listed.add_row(Text(row, "bold"), "")
        for column, cell in zip(columns, line, strict=True):
            listed.add_row(f"  {column}", _shown(cell, tight))
    return Padding(listed, (0, 0, 0, 2), expand=False)


def _table(
    rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[Cell]], form: Form, limit: int, width: int
) -> RenderableType | None:
    """The table in this form; None where it is wider than `width`."""
    shown = [[_shown(cell, form) for cell in line] for line in cells]
    names = [_broken(name, limit) for name in rows]
    widths = [max((_wide(line[c].plain) for line in shown), default=0) for c in range(len(columns))]
    heads = [_stacked(name.split("_"), wide) for name, wide in zip(columns, widths, strict=True)]
    need = max(map(_wide, names), default=0) + 2
    need += sum(max(wide, _wide(head)) + 2 for wide, head in zip(widths, heads, strict=True))
    if need > width:
        return None
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    table.add_column("")
    for head in heads:
        table.add_column(head, justify="right", vertical="bottom", no_wrap=True)
    for name, line in zip(names, shown, strict=True):
        table.add_row(name, *line)
    return Padding(table, (0, 0, 0, 2), expand=False)


def _shown(cell: Cell, form: Form) -> Text:
    return Text(form(cell)) if isinstance(cell, Interval) else cell


def _wide(text: str) -> int:
    return max(map(len, text.split("\n")))


def _stacked(words: Sequence[str], width: int) -> str:
    """Words in lines no wider than the column below them, or than the longest word."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= max(width, *map(len, words)):
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


def _broken(name: str, limit: int) -> str:
    """A name in lines that end in `_`, no longer than the limit where its words are not."""
    lines = [""]
    for piece in re.split(r"(?<=_)", name):
        if lines[-1] and len(lines[-1]) + len(piece) > limit:
            lines.append("")
        lines[-1] += piece
    return "\n ".join(lines)
