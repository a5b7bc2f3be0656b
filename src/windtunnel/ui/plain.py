"""Text that needs no library: the list of experiments. Costs next to nothing."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from windtunnel.lab.cards import Card


def listing(experiments: Sequence[Card]) -> str:
    """Every experiment with its question, under its track."""
    from windtunnel.lab.cards import doubted

    lines: list[str] = []
    width = shutil.get_terminal_size().columns
    gutter = max((len(e.id) for e in experiments), default=0) + 4
    beside = width - gutter - 4 >= 24  # else the question stands below the name
    track = None
    for i, one in enumerate(experiments, 1):
        if one.track != track:
            track = one.track
            lines += [*([""] if lines else []), click.style(track or "start here", bold=True)]
        name = f"{i:>3} " + click.style(f"{one.id:<{gutter - 2}}" if beside else one.id, fg="cyan")
        question = textwrap.wrap(one.question, max(20, width - gutter - 4 if beside else width - 6))
        if beside and question:
            name += question.pop(0)
        lines += [name, *(" " * (gutter + 2 if beside else 4) + line for line in question)]
        if (state := doubted(one.id)) not in ("", "ok"):
            said = "the file has changed since it was doubted" if state == "stale" else f"doubt: {state}"
            said_lines = textwrap.wrap(f"✗ {said}", max(20, width - gutter - 4 if beside else width - 6))
            lines += [" " * (gutter + 2 if beside else 4) + click.style(line, fg="red") for line in said_lines]
    commands = (
        ("windtunnel show NAME", "read it"),
        ("windtunnel run NAME", "measure it"),
        ("windtunnel new NAME", "take it as a challenge; then watch and grade your file"),
        ("windtunnel --help", "all there is"),
    )
    column = max(len(command) for command, _ in commands) + 3
    told = [f"{command:<{column}}{what}" if column + len(what) <= width else command for command, what in commands]
    lines += ["", *(click.style(line, dim=True) for line in told)]
    return "\n".join(lines)
