"""`windtunnel map`: where in two parameters a claim holds."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from windtunnel.lab.errors import WrongInput
from windtunnel.ui.options import check_writable, claim_of, params_of, seeds_of, written

if TYPE_CHECKING:
    from windtunnel.lab.experiment import Claim, Experiment
    from windtunnel.lab.phases import Axis, PhaseMap

OVER = "a parameter, or a part of its range, as in --over load=0.1..1.2"
GLYPHS = {
    ("holds", True): ("█", "green", "holds"),
    ("holds", False): ("▓", "green", "holds, not claimed there"),
    ("fails", True): ("×", "red", "fails"),
    ("fails", False): ("·", "", "does not hold, nor is it claimed"),
    ("mixed", True): ("▒", "yellow", "on some seeds"),
    ("mixed", False): ("░", "yellow", "on some seeds, not claimed there"),
    ("unknown", True): ("?", "yellow", "cannot be told"),
    ("unknown", False): ("?", "", "cannot be told, nor is it claimed"),
}
Pieces = list[tuple[str, str]]


@click.command("map")
@click.argument("name")
@click.option(
    "--over", "overs", multiple=True, metavar="p=a..b", help="An axis: a parameter, from where to where; twice."
)
@click.option("--claim", "wanted", metavar="TEXT", help="A part of one of its claims, or a condition of your own.")
@click.option("--line", metavar="TEXT", help="Theory: a condition on parameters whose boundary is drawn.")
@click.option("--log", "logged", multiple=True, metavar="p", help="This axis is logarithmic; again for both.")
@click.option("--cells", type=click.IntRange(2, 60), default=12, show_default=True, help="Cells on each axis.")
@click.option("--set", "sets", multiple=True, metavar="p=v", help="Another parameter's value; again for more.")
@click.option("--seeds", metavar="N|a-b|a,b", help="How many seeds, or which; as many as a run has by default.")
@click.option("--full", is_flag=True, help="From the defaults; from the small setting that the tests use otherwise.")
@click.option("--with", "with_file", default="", metavar="FILE.py", help="A file with one more design.")
@click.option("--jobs", type=click.IntRange(1), help="Processes; as many as cores by default.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write the map there as JSON.")
@click.option("--json", "json_", is_flag=True, help="One JSON document on standard output.")
def map_(
    name: str,
    overs: Sequence[str],
    wanted: str | None,
    line: str | None,
    logged: Sequence[str],
    cells: int,
    sets: Sequence[str],
    seeds: str | None,
    full: bool,
    with_file: str,
    jobs: int | None,
    out: Path | None,
    json_: bool,
) -> int:
    """Draw where in two parameters a claim holds, and where the edge runs.

    Without --over the experiment's own map.
    """
    from windtunnel.lab.discovery import find
    from windtunnel.lab.phases import phase_map
    from windtunnel.ui.progress import bar

    experiment = find(name)
    check_writable("--out", out)
    axes, claim, theory = _asked(experiment, overs, wanted, line, logged)
    given = params_of(experiment, sets)
    with bar(f"{experiment.id}, {cells} by {cells}", hidden=json_) as told, contextlib.redirect_stdout(sys.stderr):
        found = phase_map(
            experiment,
            *axes,
            claim,
            line=theory,
            cells=cells,
            seeds=None if seeds is None else seeds_of(seeds),
            quick=not full,
            jobs=jobs,
            with_file=with_file,
            progress=told,
            params=given,
        )
    written(out, found.save)
    if json_:
        click.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    else:
        from rich.text import Text

        from windtunnel.ui import terminal

        terminal.show(Text("\n").join(Text.assemble(*row) for row in drawn(found, axes, terminal.console().width)))
    return found.exit_status


def _asked(
    experiment: Experiment[Any], overs: Sequence[str], wanted: str | None, line: str | None, logged: Sequence[str]
) -> tuple[tuple[Axis, Axis], Claim, str]:
    """Axes, claim and line: what was said, and of the experiment's own map what was not."""
    from windtunnel.lab.phases import axis

    own = experiment.maps[0] if experiment.maps else None
    if not overs:
        if own is None:
            raise WrongInput(f"{experiment.id} has no map of its own; say --over twice: {OVER}.")
        log = [name for name, letter in ((own.x, "x"), (own.y, "y")) if letter in own.log]
        axes = []
        for name, part in ((own.x, own.x_range), (own.y, own.y_range)):
            low, high = part or (None, None)
            axes.append(axis(experiment, name, low, high, name in (*log, *logged)))
        text = own.claim if wanted is None else wanted
        return (axes[0], axes[1]), claim_of(experiment, text, experiment.claims), own.line if line is None else line
    if len(overs) != 2:
        raise WrongInput(f"A map is over two parameters, and --over was given {len(overs)} times: {OVER}.")
    axes = []
    for text in overs:
        name, equals, span = (piece.strip() for piece in text.partition("="))
        first, dots, last = (piece.strip() for piece in span.partition(".."))
        if equals and not (first and dots and last):
            raise WrongInput(f"--over is {text}; it takes {OVER}.")
        axes.append(axis(experiment, name, first or None, last or None, name in logged))
    if unknown := [name for name in logged if name not in [one.param.name for one in axes]]:
        raise WrongInput(f"--log is {unknown[0]}, which is no axis of this map.")
    same = own is not None and {own.x, own.y} == {one.param.name for one in axes}
    said = own.claim if wanted is None and own is not None and same else wanted
    if said is not None:
        claim = claim_of(experiment, said, experiment.claims)
    elif experiment.claims:
        claim = next((one for one in experiment.claims if one.breaks), experiment.claims[0])
    else:
        raise WrongInput(f"{experiment.id} claims nothing; say a condition to draw, with --claim.")
    theory = line if line is not None else own.line if own is not None and same and wanted is None else ""
    return (axes[0], axes[1]), claim, theory


def drawn(found: PhaseMap, axes: tuple[Axis, Axis], width: int) -> list[Pieces]:
    """The map as text: a row for each y, in which edges stand where they were found; then what the signs say."""
    from windtunnel.lab.claims import number

    x, y = axes
    ys = sorted({cell.y for cell in found.cells}, reverse=True)
    gutter = max(len(number(value)) for value in ys) + 1
    room = max(10, min(72, width - gutter - 2))
    rows: list[Pieces] = [[(found.because, "bold")], [(found.expression, "dim")], [(f"{found.y} by {found.x}", "dim")]]
    used: list[tuple[str, bool]] = []
    for value in ys:
        cells = sorted((cell for cell in found.cells if cell.y == value), key=lambda cell: cell.x)
        turns = sorted((x.share(e.x), e.after) for e in found.edges if e.along == "x" and e.y == value)
        signs: Pieces = []
        for place in range(room):
            share = (place + 0.5) / room
            left = max((c for c in cells if x.share(c.x) <= share), key=lambda c: c.x)
            right = min((c for c in cells if x.share(c.x) > share), key=lambda c: c.x, default=left)
            state = next((after for at, after in reversed(turns) if x.share(left.x) <= at < share), left.state)
            near = left if share - x.share(left.x) <= x.share(right.x) - share else right
            if (state, near.claimed) not in used:
                used.append((state, near.claimed))
            signs.append(GLYPHS[state, near.claimed][:2])
        for a, b in found.line:
            if value == min(ys, key=lambda one: abs(y.share(one) - y.share(b))):
                signs[min(room - 1, int(x.share(a) * room))] = ("┃", "bold")
        joined = [("".join(sign for sign, _ in run), style) for style, run in groupby(signs, key=lambda one: one[1])]
        rows.append([(f"{number(value):>{gutter}}", "dim"), ("│", "dim"), *joined])
    left_end, right_end = number(found.x_range[0]), number(found.x_range[1])
    rows.append(
        [
            (
                " " * (gutter + 1)
                + left_end
                + found.x.center(max(1, room - len(left_end) - len(right_end)))
                + right_end,
                "dim",
            )
        ]
    )
    for key in used:
        sign, style, said = GLYPHS[key]
        rows.append([(f" {sign} ", style), (said, "")])
    if found.line:
        rows.append([(" ┃ ", "bold"), (f"theory: where {found.theory} turns", "")])
    rows.append([(f"{found.runs:,} runs; {_finest(found, axes)}", "dim")])
    return rows


def _finest(found: PhaseMap, axes: tuple[Axis, Axis]) -> str:
    """How well the edges are known at worst."""
    worst = 0.0
    for edge in found.edges:
        axis, value = (axes[0], edge.x) if edge.along == "x" else (axes[1], edge.y)
        worst = max(worst, axis.share(value + edge.within) - axis.share(value - edge.within))
    return f"edges to {100 * worst:.1f} % of an axis" if found.edges else "no edge"
