"""`windtunnel map`: where in two parameters a claim holds, or where along one it turns."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Sequence
from itertools import groupby
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from windtunnel.lab.errors import WrongInput
from windtunnel.ui.options import check_writable, claim_of, params_of, seeds_of, written

if TYPE_CHECKING:
    from windtunnel.lab.experiment import Claim, Experiment, Map
    from windtunnel.lab.phases import Axis, PhaseMap
    from windtunnel.lab.turning import TurningPoint

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
    "--over",
    "overs",
    multiple=True,
    metavar="p=a..b",
    help="An axis: a parameter, from where to where; twice, or once to search where on it the claim turns.",
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

    Without --over the experiment's own map. With one --over: where along it the claim turns, searched on each seed by
    itself, with the interval over seeds.
    """
    from windtunnel.lab.discovery import find
    from windtunnel.lab.phases import phase_map
    from windtunnel.lab.turning import turning_point
    from windtunnel.ui.progress import bar

    experiment = find(name)
    check_writable("--out", out)
    axes, claim, theory = _asked(experiment, overs, wanted, line, logged)
    size = f"{cells} by {cells}" if len(axes) == 2 else axes[0].param.name
    given: dict[str, Any] = {"params": params_of(experiment, sets), "line": theory, "quick": not full, "jobs": jobs}
    given |= {"seeds": None if seeds is None else seeds_of(seeds), "with_file": with_file}
    with bar(f"{experiment.id}, {size}", hidden=json_) as told, contextlib.redirect_stdout(sys.stderr):
        given["progress"] = told
        found: PhaseMap | TurningPoint = (
            phase_map(experiment, axes[0], axes[1], claim, cells=cells, **given)
            if len(axes) == 2
            else turning_point(experiment, axes[0], claim, **given)
        )
    written(out, found.save)
    if json_:
        click.echo(json.dumps(found.to_dict(), ensure_ascii=False))
    else:
        from rich.text import Text

        from windtunnel.lab.turning import TurningPoint
        from windtunnel.ui import terminal

        width = terminal.console().width
        lines = turned(found, axes[0], width) if isinstance(found, TurningPoint) else drawn(found, axes, width)
        terminal.show(Text("\n").join(Text.assemble(*row) for row in lines))
    return found.exit_status


def _asked(
    experiment: Experiment[Any], overs: Sequence[str], wanted: str | None, line: str | None, logged: Sequence[str]
) -> tuple[list[Axis], Claim, str]:
    """Axes, claim and line: what was said, and of the experiment's own map what was not."""
    from windtunnel.lab.phases import axis

    if len(overs) > 2:
        raise WrongInput(f"A map is over two parameters, and --over was given {len(overs)} times: {OVER}.")
    own: Map | None
    if overs:
        parts = [_over(text) for text in overs]
        names = {name for name, _ in parts}
        own = next((one for one in experiment.maps if names == {name for name in (one.x, one.y) if name}), None)
    elif experiment.maps:
        own = experiment.maps[0]
        parts = [(name, ()) for name in (own.x, own.y) if name]
        names = {name for name, _ in parts}
        logged = [*logged, *(name for name, letter in ((own.x, "x"), (own.y, "y")) if name and letter in own.log)]
    else:
        raise WrongInput(f"{experiment.id} has no map of its own; say --over twice: {OVER}.")
    axes = []
    for name, ends in parts:
        own_ends = () if own is None else own.x_range if name == own.x else own.y_range
        low, high = ends or own_ends or (None, None)
        axes.append(axis(experiment, name, low, high, name in logged))
    if unknown := [name for name in logged if name not in names]:
        raise WrongInput(f"--log is {unknown[0]}, which is no axis of this map.")
    theory = line
    if theory is None:
        theory = own.line if own is not None and (wanted is None or not overs) else ""
    if wanted is not None:
        return axes, claim_of(experiment, wanted, experiment.claims), theory
    if own is not None:
        return axes, _own(experiment, own), theory
    if not experiment.claims:
        raise WrongInput(f"{experiment.id} claims nothing; say a condition to draw, with --claim.")
    return axes, next((one for one in experiment.claims if one.breaks), experiment.claims[0]), theory


def _over(text: str) -> tuple[str, tuple[str, str] | tuple[()]]:
    """A parameter, and from where to where, where that was said."""
    name, equals, span = (piece.strip() for piece in text.partition("="))
    first, dots, last = (piece.strip() for piece in span.partition(".."))
    if equals and not (first and dots and last):
        raise WrongInput(f"--over is {text}; it takes {OVER}.")
    return name, (first, last) if equals else ()


def _own(experiment: Experiment[Any], own: Map) -> Claim:
    """What an experiment's map is of."""
    from windtunnel.lab.experiment import Claim

    exact = [claim for claim in experiment.claims if claim.expression == own.claim]
    return exact[0] if exact else Claim(own.claim, "Asked by the experiment's map.", given=own.given)


def drawn(found: PhaseMap, axes: Sequence[Axis], width: int) -> list[Pieces]:
    """The map as text: a row for each y, in which edges stand where they were found; then what the signs say."""
    from windtunnel.lab.claims import number

    x, y = axes
    ys = sorted({cell.y for cell in found.cells}, reverse=True)
    gutter = max(len(number(value)) for value in ys) + 1
    room = _room(width - gutter - 2)
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
                signs[_column(x, a, room)] = ("┃", "bold")
        joined = [("".join(sign for sign, _ in run), style) for style, run in groupby(signs, key=lambda one: one[1])]
        rows.append([(f"{number(value):>{gutter}}", "dim"), ("│", "dim"), *joined])
    left_end, right_end = (number(end) for end in found.x_range)
    between = found.x.center(max(1, room - len(left_end) - len(right_end)))
    rows.append([(" " * (gutter + 1) + left_end + between + right_end, "dim")])
    for key in used:
        sign, style, said = GLYPHS[key]
        rows.append([(f" {sign} ", style), (said, "")])
    if found.line:
        rows.append([(" ┃ ", "bold"), (f"theory: where {found.theory} turns", "")])
    rows.append([(f"{found.runs:,} runs; {_finest(found, axes)}", "dim")])
    return rows


def turned(found: TurningPoint, x: Axis, width: int) -> list[Pieces]:
    """Where each seed turned, on a line; then the mean with its interval, and what theory says."""
    from windtunnel.lab.claims import number

    left, right = (number(end) for end in found.x_range)
    room = _room(width - len(left) - len(right) - 4)
    signs = ["·"] * room
    for place in found.turned:
        signs[_column(x, place, room)] = "●"
    if found.line is not None:
        signs[_column(x, found.line, room)] = "┃"
    rows: list[Pieces] = [[(found.because, "bold")], [(found.expression, "dim")]]
    rows.append([(f"{left} ", "dim"), ("".join(signs), ""), (f" {right}", "dim")])
    alike = len(found.at) - len(found.turned)
    if found.turned:
        half = (found.high - found.low) / 2
        mean = number(found.mean) + ("" if isnan(half) else f" ± {number(half)}")
        rows.append(
            [(f"It turns at {found.x} = {mean}: {len(found.turned)} seeds, each to {number(found.within)}", "")]
        )
    if alike:
        rows.append([(f"On {alike} of {len(found.at)} seeds both ends are alike, or cannot be told", "yellow")])
    if found.line is not None:
        rows.append([(f"┃ theory: {number(found.line)}, where {found.theory} turns", "")])
    rows.append([(f"{found.runs:,} runs; mean ± half of the 95 % interval", "dim")])
    return rows


def _room(left: int) -> int:
    """Columns of an axis, where a line has so many left."""
    return max(10, min(72, left))


def _column(axis: Axis, value: float, room: int) -> int:
    """Where on an axis of so many columns a value stands."""
    return min(room - 1, int(axis.share(value) * room))


def _finest(found: PhaseMap, axes: Sequence[Axis]) -> str:
    """How well the edges are known at worst."""
    worst = 0.0
    for edge in found.edges:
        axis, value = (axes[0], edge.x) if edge.along == "x" else (axes[1], edge.y)
        worst = max(worst, axis.share(value + edge.within) - axis.share(value - edge.within))
    return f"edges to {100 * worst:.1f} % of an axis" if found.edges else "no edge"
