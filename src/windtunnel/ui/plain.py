"""Text that needs no library: the list of experiments, and experiments as plain data. Costs next to nothing."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from windtunnel.lab.cards import Card
    from windtunnel.lab.experiment import Experiment

WIDTH = 80


def listing(experiments: Sequence[Card]) -> str:
    """Every experiment with its question, under its track."""
    lines: list[str] = []
    width = min(WIDTH, shutil.get_terminal_size().columns)
    gutter = max((len(e.id) for e in experiments), default=0) + 4
    track = None
    for i, one in enumerate(experiments, 1):
        if one.track != track:
            track = one.track
            lines += [*([""] if lines else []), click.style(track or "start here", bold=True)]
        question = textwrap.wrap(one.question, max(20, width - gutter - 4))
        lines.append(f"{i:>3} " + click.style(f"{one.id:<{gutter - 2}}", fg="cyan") + (question[0] if question else ""))
        lines += [" " * (gutter + 2) + line for line in question[1:]]
    commands = ("windtunnel show NAME", "windtunnel run NAME", "windtunnel --help")
    gap = "   " if len("   ".join(commands)) <= width else "\n"
    lines += ["", click.style(gap.join(commands), dim=True)]
    return "\n".join(lines)


def described(one: Experiment[Any]) -> dict[str, Any]:
    """An experiment as plain data."""
    from dataclasses import asdict

    from windtunnel.lab.experiment import idea
    from windtunnel.lab.params import describe

    return {
        "id": one.id,
        "track": one.track,
        "title": one.title,
        "question": one.question,
        "lesson": one.lesson,
        "stages": list(one.stages),
        "designs": {name: idea(make) for name, make in one.designs.items()},
        "params": [asdict(p) for p in describe(one.params)],
        "claims": [asdict(c) for c in one.claims],
        "figures": [asdict(f) for f in one.figures],
        "hints": list(one.hints),
        "sources": [asdict(s) for s in one.sources],
        "seeds": one.seeds,
    }
