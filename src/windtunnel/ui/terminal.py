"""Experiments and results as text for a person: calm, within 80 columns, readable without colours."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, pairwise
from typing import IO, Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from windtunnel.lab.claims import number
from windtunnel.lab.experiment import MARKS, Experiment, idea
from windtunnel.lab.params import describe
from windtunnel.lab.result import JudgedClaim, JudgedFigure, Result
from windtunnel.lab.statistics import Interval
from windtunnel.ui.chart import chart

WIDTH = 80
SIGNS = {
    "holds": ("✔", "green"),
    "fails": ("✘", "red"),
    "unknown": ("?", "yellow"),
    "skipped": ("–", "dim"),
    "shown": ("·", "dim"),
}


def console(file: IO[str] | None = None) -> Console:
    """A console no wider than 80 columns; plain where the output is no terminal."""
    made = Console(file=file, highlight=False, emoji=False, markup=False)
    if made.width > WIDTH or not made.is_terminal:
        made = Console(file=file, highlight=False, emoji=False, markup=False, width=WIDTH)
    return made


def show(what: RenderableType, file: IO[str] | None = None) -> None:
    """Print it, without the blanks that tables leave at the ends of lines."""
    on = console(file)
    with on.capture() as taken:
        on.print(what)
    print("\n".join(line.rstrip() for line in taken.get().splitlines()), file=on.file)


def at_a_glance(one: Experiment[Any]) -> RenderableType:
    """Question, designs and parameters: what there is to decide before a run."""
    parts: list[RenderableType] = [*_head(one.title, one.question, one.id)]
    parts += ["", _designs({name: idea(make) for name, make in one.designs.items()})]
    return Group(*parts, *_section("Parameters"), _parameters(one))


def experiment(one: Experiment[Any], hints: bool = False) -> RenderableType:
    """Everything about an experiment that can be said without running it."""
    parts: list[RenderableType] = [
        *_head(one.title, one.question, " · ".join(filter(None, (one.id, one.track)))),
        "",
        Text(reflowed(one.lesson)),
    ]
    parts += [*_section("Designs"), _designs({name: idea(make) for name, make in one.designs.items()})]
    parts += [*_section("Parameters"), _parameters(one)]
    parts += _section("Claims")
    for claim in one.claims:
        parts.append(Padding(Text(claim.expression, "bold"), (0, 0, 0, 2), expand=False))
        parts.append(
            Padding(Text(_because(claim.because, claim.given, claim.source), "dim"), (0, 0, 0, 4), expand=False)
        )
    if one.figures:
        parts += _section("Figures to reproduce")
        for figure in one.figures:
            parts.append(Padding(Text(f"{figure.name}: {number(figure.source_value)}"), (0, 0, 0, 2), expand=False))
            said = f"{figure.conditions} ({MARKS[figure.mark]})"
            parts.append(Padding(Text(said, "dim"), (0, 0, 0, 4), expand=False))
    if hints and one.hints:
        parts += [
            *_section("Hints"),
            *(Padding(Text(f"{i}. {h}"), (0, 0, 0, 2), expand=False) for i, h in enumerate(one.hints, 1)),
        ]
    if one.sources:
        parts += _section("Sources")
        parts += [Padding(Text(f"{s.title} ({s.year})\n{s.url}"), (0, 0, 0, 2), expand=False) for s in one.sources]
    more = f"   windtunnel show {one.id} --hints" if one.hints and not hints else ""
    parts += ["", Text(f"windtunnel run {one.id}{more}", "dim")]
    return Group(*parts)


def reflowed(text: str) -> str:
    """Paragraphs as one line each, to be broken where the screen ends; lists, tables and code stay as written."""
    written = text.split("\n\n")
    kept = [any(line[:1] in (" ", "-", "|") for line in paragraph.splitlines()) for paragraph in written]
    return "\n\n".join(p if stays else " ".join(p.split()) for p, stays in zip(written, kept, strict=True))


def result(found: Result, ideas: Mapping[str, str], width: int = WIDTH) -> RenderableType:
    """A result: question, designs, measurements with intervals, claims, figures, chart, and what to do next."""
    parts: list[RenderableType] = [
        *_head(found.title, found.question, found.experiment),
        "",
        _designs({name: ideas.get(name, "") for name in found.designs}),
        *_section("Measured"),
        *_measured(found, width),
        Text(_conditions(found), "dim"),
    ]
    if found.claims:
        parts += [*_section("Claims"), *(_claim(c) for c in found.claims)]
    judged = [f for f in found.figures if f.verdict != "skipped"]
    if judged:
        parts += [*_section("Figures"), figures(judged)]
    drawn = drawing(series_of(found), found.axes, found.log_axes, width)
    if drawn is not None:
        parts += ["", drawn]
    parts += ["", summary(found)]
    return Group(*parts)


def summary(found: Result) -> Text:
    """One line: the verdict, and the counts behind it."""
    sign, style = SIGNS[found.verdict]
    words = {"holds": "held", "fails": "failed", "unknown": "unknown", "skipped": "skipped"}
    counts = {v: sum(c.verdict == v for c in found.claims) for v in words}
    said = ", ".join(f"{count} {words[v]}" for v, count in counts.items() if count)
    line = Text().append(f"{sign} ", style).append(f"Claims: {said or 'none'}", "bold")
    judged = [f for f in found.figures if f.verdict in ("holds", "fails", "unknown")]
    if judged:
        line.append(f" · {sum(f.verdict == 'holds' for f in judged)} of {len(judged)} figures reproduced")
    return line


def all_figures(found: Sequence[Result]) -> RenderableType:
    """The figures of several experiments, and how many of them are reproduced."""
    parts: list[RenderableType] = []
    for one in found:
        if one.figures:
            parts += [Text(one.experiment, "bold"), figures(one.figures), ""]
    every = [f.verdict for one in found for f in one.figures]
    judged = [v for v in every if v in ("holds", "fails", "unknown")]
    line = f"{judged.count('holds')} of {len(judged)} figures are reproduced"
    left = len(every) - len(judged)
    return Group(*parts, Text(line + (f"; {left} more were not judged here" if left else ""), "bold"))


def figures(found: Sequence[JudgedFigure]) -> RenderableType:
    """The source's number and ours, side by side."""
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim", width=WIDTH - 2)
    table.add_column("")
    table.add_column("figure", ratio=1)
    table.add_column("source", justify="right")
    table.add_column("ours", justify="right")
    table.add_column("mark", justify="center")
    for one in found:
        sign, style = SIGNS[one.verdict]
        text = Text(one.name)
        text.append(f"\n{one.conditions}{'; ' if one.note else ''}{one.note}", "dim")
        ours = interval(Interval(one.ours, one.low, one.high, 0)) if one.verdict != "skipped" else "–"
        table.add_row(Text(sign, style), text, number(one.source_value), ours, one.mark)
    return Padding(table, (0, 0, 0, 2), expand=False)


def interval(found: Interval) -> str:
    """A mean, with half of its interval where there is one."""
    if not found.half > 1e-12 * abs(found.mean):  # none, or what adding in floating point leaves
        return number(found.mean)
    # Two digits of the half width, and the mean to the same place: more would say what nobody knows.
    places = max(0, 1 - math.floor(math.log10(found.half)))
    if places > 6:
        return f"{found.mean:.3g} ± {found.half:.2g}"
    return f"{found.mean:,.{places}f} ± {found.half:,.{places}f}"


def series_of(found: Result) -> dict[str, list[tuple[float, float]]]:
    """The lines of a result's chart, by the name that stands in the key."""
    lines = {}
    for design in found.designs:
        for one in found.of(design)[:1]:
            for name, line in one.series.items():
                lines[design if len(one.series) == 1 else f"{design} {name}"] = list(line)
    return lines


def drawing(
    lines: Mapping[str, Sequence[tuple[float, float]]], axes: tuple[str, str], log: str, width: int = WIDTH
) -> Text | None:
    """The chart as text; None where there is nothing to draw."""
    rows = chart(lines, axes, log, max(40, min(width, WIDTH) - 2))
    text = Text("\n").join(
        Text.assemble(*(("".join(t for t, _ in run), style) for style, run in groupby(row, key=lambda piece: piece[1])))
        for row in rows
    )
    return text if rows else None


def swept(results: Sequence[Result], over: str, measure: str, width: int = WIDTH) -> RenderableType:
    """A sweep: a row a value, a column a design, the verdicts beside them, and the lines."""
    designs = results[0].designs
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    table.add_column(over, justify="right", style="bold")
    for design in designs:
        table.add_column(design.replace("_", " "), justify="right", overflow="fold")
    table.add_column("claims")
    for one in results:
        signs = Text.assemble(*(SIGNS[c.verdict] for c in one.claims))
        cells = [interval(one.interval(d, measure)) for d in designs]
        table.add_row(str(one.params[over]), *cells, signs)
    lines = {
        d: [(float(one.params[over]), one.interval(d, measure).mean) for one in results]
        for d in designs
        if all(isinstance(one.params[over], int | float) for one in results)
    }
    head = _head(results[0].title, f"{measure} of each design, for each {over}", results[0].experiment)
    drawn = drawing(lines, (over, measure), "", width)
    changed = [
        f"{SIGNS[a.claims[i].verdict][0]} → {SIGNS[b.claims[i].verdict][0]}  between {over} = {a.params[over]} and "
        f"{b.params[over]}: {b.claims[i].expression}"
        for a, b in pairwise(results)
        for i in range(len(b.claims))
        if a.claims[i].verdict != b.claims[i].verdict
    ]
    parts: list[RenderableType] = [*head, "", table]
    if changed:
        parts += [
            *_section("Where verdicts change"),
            *(Padding(Text(line), (0, 0, 0, 2), expand=False) for line in changed),
        ]
    if drawn is not None:
        parts += ["", drawn]
    return Group(*parts)


# --- parts -------------------------------------------------------------------------------------------------------
def _head(title: str, question: str, name: str) -> list[RenderableType]:
    line = Table.grid(expand=True)
    line.add_column(ratio=1)
    line.add_column(justify="right")
    line.add_row(Text(title, "bold"), Text(name, "dim"))
    return [line, Text(question, "italic")]


def _section(title: str) -> list[RenderableType]:
    return ["", Rule(Text(title, "bold"), align="left", characters="─", style="dim")]


def _grid(rows: Iterable[Sequence[str]], styles: Sequence[str]) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    for style in styles:
        table.add_column(style=style)
    for row in rows:
        table.add_row(*row)
    return Padding(table, (0, 0, 0, 2), expand=False)


def _parameters(one: Experiment[Any]) -> RenderableType:
    rows = [(p.name, str(p.default), p.range, p.help) for p in describe(one.params)]
    return _grid(rows, ("bold", "", "dim", ""))


def _designs(ideas: Mapping[str, str]) -> RenderableType:
    return _grid(ideas.items(), ("bold", ""))


def _measured(found: Result, width: int) -> list[RenderableType]:
    """Rows are measurements, columns designs; as many tables as it takes to stay within the width."""
    names = _worth_showing(found)
    cells = {d: [interval(found.interval(d, name)) for name in names] for d in found.designs}
    heads = {d: _stacked(d.split("_"), max(map(len, cells[d]), default=0)) for d in found.designs}
    need = {d: max([*map(len, cells[d]), *map(len, heads[d].split("\n"))]) + 2 for d in found.designs}
    first = max(map(len, names), default=0) + 2
    # As few tables as the width allows, with about the same number of designs each.
    count = 1
    while count < len(found.designs) and any(
        first + sum(need[d] for d in block) > width - 2 for block in _split(found.designs, count)
    ):
        count += 1
    parts: list[RenderableType] = []
    for block in _split(found.designs, count):
        if parts:
            parts.append("")
        table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
        table.add_column("")
        for design in block:
            table.add_column(heads[design], justify="right", vertical="bottom", no_wrap=True)
        for i, name in enumerate(names):
            table.add_row(name, *(cells[d][i] for d in block))
        parts.append(Padding(table, (0, 0, 0, 2), expand=False))
    return parts


def _stacked(words: Sequence[str], width: int) -> str:
    """Words in lines no wider than the column below them, or than the longest word."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= max(width, *map(len, words)):
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return "\n".join(lines)


def _split(designs: Sequence[str], count: int) -> list[Sequence[str]]:
    size = math.ceil(len(designs) / count)
    return [designs[i : i + size] for i in range(0, len(designs), size)]


def _worth_showing(found: Result) -> list[str]:
    """The experiment's own measurements; of the common ones, outcomes that occurred, and latency where it has none."""
    from windtunnel.lab.measures import EXPLAINED

    own = [name for name in found.measures if name not in EXPLAINED]
    counts = [m for m in ("ok", "fail", "unknown") if any(any(found.samples(d, m)) for d in found.designs)]
    if counts == ["ok"] and own:
        counts = []
    usual = [] if own else ["latency_p50_ms", "latency_p99_ms", "throughput_per_s"]
    return own + counts + usual


def _conditions(found: Result) -> str:
    seeds = "1 seed" if len(found.seeds) == 1 else f"{len(found.seeds)} seeds, mean ± half of the 95 % interval"
    params = ", ".join(f"{k} {v}" for k, v in found.params.items())
    lines = [f"{seeds} · stage {found.stage}", *textwrap.wrap(params, WIDTH - 4)]
    return "\n".join(f"  {line}" for line in lines)


def _claim(claim: JudgedClaim) -> RenderableType:
    sign, style = SIGNS[claim.verdict]
    line = Table.grid(padding=(0, 1))
    line.add_column(width=1)
    line.add_column()
    body = Text().append(claim.expression, "bold" if claim.verdict != "skipped" else "dim")
    if claim.shown:
        note = f"   {claim.note}" if claim.note else ""
        body.append(f"\n{claim.shown}", style).append(note, "dim")
    elif claim.note:
        body.append(f"   {claim.note}", "dim")
    body.append(f"\n{_because(claim.because, claim.given, claim.source)}", "dim")
    line.add_row(Text(sign, style), body)
    return Padding(line, (0, 0, 0, 2), expand=False)


def _because(because: str, given: Mapping[str, Any], source: str) -> str:
    setting = ", ".join(f"{k} = {v}" for k, v in given.items())
    return (f"with {setting}: " if setting else "") + because + (f" ({source})" if source else "")
