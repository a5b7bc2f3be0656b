"""Experiments and results as text for a person: calm, as wide as the screen, readable without colours."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import isnan
from typing import IO, Any

from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from windtunnel.lab.asks import Answered, elsewhere
from windtunnel.lab.charts import Drawn, Row
from windtunnel.lab.claims import interval, number
from windtunnel.lab.experiment import MARKS, Experiment, idea
from windtunnel.lab.measures import EXPLAINED, why_unknown
from windtunnel.lab.params import describe
from windtunnel.lab.result import JudgedClaim, JudgedFigure, Result
from windtunnel.lab.statistics import Interval
from windtunnel.ui import drawings
from windtunnel.ui.grid import Cell, side_by_side

PIPE = 80
"""Columns of an output that is no terminal, unless COLUMNS says otherwise."""
READ = 100
"""Widest line of prose that eyes follow back."""
NARROW = 60
"""Below so many columns, what else stands side by side stands below each other."""
SIGNS = {
    "holds": ("✔", "green"),
    "fails": ("✘", "red"),
    "unknown": ("?", "yellow"),
    "skipped": ("–", "dim"),
    "shown": ("·", "dim"),
    "not claimed": ("○", "dim"),
    "reproduced": ("✔", "green"),
    "missed": ("✘", "red"),
}
KINDS = {
    "of papers and posts": ("V", "Vq", "M"),
    "derived": ("D",),
    "of earlier trials of this project": ("R",),
}
"""Figures by where their number comes from: to agree with oneself is worth less than to agree with others."""


def console(file: IO[str] | None = None, width: int | None = None) -> Console:
    """A console as wide as the terminal, or as `width`; plain where the output is no terminal."""
    made = Console(file=file, highlight=False, emoji=False, markup=False, width=width)
    if width is None and not made.is_terminal and "COLUMNS" not in os.environ:
        made = Console(file=file, highlight=False, emoji=False, markup=False, width=PIPE)
    return made


def show(what: RenderableType, file: IO[str] | None = None, width: int | None = None) -> None:
    """Print it, without the blanks that tables leave at the ends of lines."""
    on = console(file, width)
    with on.capture() as taken:
        on.print(what)
    print("\n".join(line.rstrip() for line in taken.get().splitlines()), file=on.file)


def at_a_glance(one: Experiment[Any], width: int = PIPE) -> RenderableType:
    """Question, designs and parameters: what there is to decide before a run."""
    parts: list[RenderableType] = [*_head(one.title, one.question, one.id, width)]
    parts += ["", _designs({name: idea(make) for name, make in one.designs.items()}, width)]
    return Group(*parts, *_section("Parameters"), _parameters(one, width), *_asked(one))


def experiment(one: Experiment[Any], hints: bool = False, width: int = PIPE) -> RenderableType:
    """Everything about an experiment that can be said without running it."""
    parts: list[RenderableType] = [
        *_head(one.title, one.question, " · ".join(filter(None, (one.id, one.track))), width),
        "",
        Constrain(Text(reflowed(one.lesson)), READ),
    ]
    parts += [*_section("Designs"), _designs({name: idea(make) for name, make in one.designs.items()}, width)]
    parts += [*_section("Parameters"), _parameters(one, width), *_asked(one)]
    parts += _section("Claims")
    for claim in one.claims:
        parts.append(Padding(Text(claim.expression, "bold"), (0, 0, 0, 2), expand=False))
        parts.append(
            Padding(
                Text(_because(claim.because, claim.given, claim.source, claim.where), "dim"), (0, 0, 0, 4), expand=False
            )
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
    commands = [f"windtunnel run {one.id}"]
    commands += [f"windtunnel show {one.id} --hints"] if one.hints and not hints else []
    commands += [f"windtunnel new {one.id}"] if one.demands else []
    parts += ["", Text("\n".join(commands), "dim")]
    return Group(*parts)


def reflowed(text: str) -> str:
    """Paragraphs as one line each, to be broken where the screen ends; lists, tables and code stay as written."""
    written = text.split("\n\n")
    kept = [any(line[:1] in (" ", "-", "|") for line in paragraph.splitlines()) for paragraph in written]
    return "\n\n".join(p if stays else " ".join(p.split()) for p, stays in zip(written, kept, strict=True))


def result(found: Result, one: Experiment[Any], width: int = PIPE, tables: bool = False) -> RenderableType:
    """A result: question, designs, measurements with intervals, claims, figures, charts; with the charts' values."""
    ideas = {name: idea(make) for name, make in one.designs.items()}
    parts: list[RenderableType] = [
        *_head(found.title, found.question, found.experiment, width),
        "",
        _designs({name: ideas.get(name, "") for name in found.designs}, width),
        *_section("Measured"),
        *measured(found, width),
        Text(_conditions(found, width), "dim"),
    ]
    if found.asks:
        parts += _section("Asked before")
        parts += [_line(asked.question, answer(asked)) for asked in found.asks]
        parts += [_line(there, "")] if (there := elsewhere(one.params, found.params)) else []
    if found.claims:
        parts += [*_section("Claims"), *(_claim(c) for c in found.claims)]
    if found.why:
        parts += [*_section("Why"), *(_signed(SIGNS[w.verdict], Text(w.sentence)) for w in found.why)]
    judged = [f for f in found.figures if f.verdict != "skipped"]
    if judged:
        parts += [*_section("Figures"), *figures(judged, width), Padding(Group(*legend(judged)), (0, 0, 0, 2))]
    parts += drawings.charts(found, width)
    if tables:
        parts += drawings.tables(found)
    parts += ["", summary(found)]
    return Group(*parts)


def answer(one: Answered) -> str:
    """What a run answers to a question that was asked before it."""
    if one.note:
        return one.note
    unit = "" if not one.unit else one.unit if one.unit.startswith("%") else f" {one.unit}"
    between = interval(Interval(one.mean, one.mean_low, one.mean_high, 0))
    return f"{between} {unit.strip()}".strip()


def summary(found: Result) -> Text:
    """One line: the verdict, and the counts behind it."""
    sign, style = SIGNS[found.verdict]
    words = {
        "holds": "held",
        "fails": "failed",
        "unknown": "unknown",
        "skipped": "skipped",
        "not claimed": "not claimed here",
    }
    counts = {v: sum(c.verdict == v for c in found.claims) for v in words}
    said = ", ".join(f"{count} {words[v]}" for v, count in counts.items() if count)
    line = Text().append(f"{sign} ", style).append(f"Claims: {said or 'none'}", "bold")
    for told in _counted(found.figures):
        line.append(f"\n  {told}")
    return line


def _counted(found: Sequence[JudgedFigure]) -> list[str]:
    """How many figures are reproduced, each kind apart."""
    told = []
    for kind, marks in KINDS.items():
        judged = [f.verdict for f in found if f.mark in marks and f.verdict in ("reproduced", "missed", "unknown")]
        if judged:
            rest = ", ".join(f"{judged.count(v)} {v}" for v in ("unknown", "missed") if v in judged)
            one = "figure" if len(judged) == 1 else "figures"
            line = f"{judged.count('reproduced')} of {len(judged)} {one} {kind} reproduced"
            told.append(line + (f", {rest}" if rest else ""))
    return told


def all_figures(found: Sequence[Result], width: int = PIPE) -> RenderableType:
    """The figures of several experiments, how many of each kind are reproduced, and what the marks say."""
    parts: list[RenderableType] = []
    for one in found:
        if one.figures:
            parts += [Text(one.experiment, "bold"), *figures(one.figures, width), ""]
    every = [f for one in found for f in one.figures]
    parts += [Text(line, "bold") for line in _counted(every)]
    left = sum(f.verdict in ("skipped", "shown") for f in every)
    if left:
        parts.append(Text(f"{left} more not judged here", "bold"))
    return Group(*parts, "", *legend(every))


def legend(found: Sequence[JudgedFigure]) -> list[RenderableType]:
    """What the marks of these figures and the verdicts on them mean."""
    marks = ", ".join(f"{mark}: {means}" for mark, means in MARKS.items() if mark in {one.mark for one in found})
    verdicts = (
        "reproduced: the interval of our mean lies wholly within the tolerance; missed: wholly outside; "
        "unknown: it straddles, or too few seeds tell"
    )
    return [Text(f"Marks. {marks}.", "dim"), Text(f"Verdicts. {verdicts}.", "dim")]


def figures(found: Sequence[JudgedFigure], width: int = PIPE) -> list[RenderableType]:
    """The source's number and ours, side by side; those of others, derived ones, and those of our own trials apart."""
    parts: list[RenderableType] = []
    for kind, marks in KINDS.items():
        some = [one for one in found if one.mark in marks]
        if some:
            parts += [Text(f"  Figures {kind}", "italic"), _figures(some, width)]
    return parts


def _figures(found: Sequence[JudgedFigure], width: int) -> RenderableType:
    rows = [
        (one, interval(Interval(one.ours, one.low, one.high, 0)) if one.verdict != "skipped" else "–") for one in found
    ]
    if width < NARROW:
        return Group(
            *(
                _signed(SIGNS[one.verdict], Text(f"{one.name}: {number(one.source_value)}, ours {ours} ({one.mark})"))
                for one, ours in rows
            )
        )
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim", width=min(width, READ + 20) - 2)
    table.add_column("")
    table.add_column("figure", ratio=1)
    table.add_column("source", justify="right")
    table.add_column("ours", justify="right")
    table.add_column("mark", justify="center")
    for one, ours in rows:
        sign, style = SIGNS[one.verdict]
        text = Text(one.name)
        text.append(f"\n{one.conditions}{'; ' if one.note else ''}{one.note}", "dim")
        table.add_row(Text(sign, style), text, number(one.source_value), ours, one.mark)
    return Padding(table, (0, 0, 0, 2), expand=False)


def swept(results: Sequence[Result], over: str, measure: str, width: int = PIPE) -> RenderableType:
    """A sweep: a row a value, a column a design, the verdicts beside them, and the lines."""
    designs = results[0].designs
    cells: list[list[Cell]] = [
        [
            *(one.interval(d, measure) for d in designs),
            Text.assemble(*(SIGNS[c.verdict] for c in one.claims)),
        ]
        for one in results
    ]
    values = [str(one.params[over]) for one in results]
    table = side_by_side([f"{over} {v}" for v in values], [*designs, "claims"], cells, width)
    lines: dict[str, list[Row]] = {
        d: [(float(one.params[over]), one.interval(d, measure).mean) for one in results]
        for d in designs
        if all(isinstance(one.params[over], int | float) for one in results)
    }
    head = _head(results[0].title, f"{measure} of each design, for each {over}", results[0].experiment, width)
    drawn = drawings.drawing(Drawn(measure, over, measure, "", "lines"), lines, width) if lines else None
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
def _head(title: str, question: str, name: str, width: int) -> list[RenderableType]:
    if len(title) + len(name) + 2 > width:
        return [Text(title, "bold"), Text(name, "dim"), Text(question, "italic")]
    line = Table.grid(expand=True)
    line.add_column(ratio=1)
    line.add_column(justify="right")
    line.add_row(Text(title, "bold"), Text(name, "dim"))
    return [line, Text(question, "italic")]


def _section(title: str) -> list[RenderableType]:
    return ["", Rule(Text(title, "bold"), align="left", characters="─", style="dim")]


def _grid(rows: Iterable[Sequence[str]], styles: Sequence[str], width: int) -> RenderableType:
    """Rows of a few words each, the last of them a sentence; below each other where there is no room beside."""
    found = list(rows)
    if width < NARROW:
        parts: list[RenderableType] = []
        for row in found:
            head = Text("  ")
            for text, style in zip(row[:-1], styles, strict=False):
                head.append(f"{text} ", style)
            parts += [head, Padding(Text(row[-1], styles[-1]), (0, 0, 0, 4), expand=False)]
        return Group(*parts)
    table = Table.grid(padding=(0, 2))
    for i, style in enumerate(styles):
        table.add_column(style=style, min_width=0 if i else max((len(row[0]) for row in found), default=0))
    for row in found:
        table.add_row(*row)
    return Padding(table, (0, 0, 0, 2), expand=False)


def _parameters(one: Experiment[Any], width: int) -> RenderableType:
    rows = [(p.name, str(p.default), p.range, p.help) for p in describe(one.params)]
    return _grid(rows, ("bold", "", "dim", ""), width)


def _designs(ideas: Mapping[str, str], width: int) -> RenderableType:
    return _grid(ideas.items(), ("bold", ""), width)


def _asked(one: Experiment[Any]) -> list[RenderableType]:
    """What to guess before a run."""
    if not one.asks:
        return []
    scale = [f"{number(a.low)} to {number(a.high)}{f' {a.unit}' if a.unit else ''}" for a in one.asks]
    return [*_section("Guess first"), *(_line(a.question, s) for a, s in zip(one.asks, scale, strict=True))]


def _line(text: str, then: str) -> RenderableType:
    return Padding(Text.assemble(text, "  ", (then, "bold")), (0, 0, 0, 2), expand=False)


def _signed(sign: tuple[str, str], text: Text) -> RenderableType:
    line = Table.grid(padding=(0, 1))
    line.add_column(width=1)
    line.add_column()
    line.add_row(Text(*sign), text)
    return Padding(line, (0, 0, 0, 2), expand=False)


def measured(found: Result, width: int) -> list[RenderableType]:
    """Measurements by design, all in one table, and why some are no number."""
    names = _worth_showing(found)
    cells = [[found.interval(d, name) for d in found.designs] for name in names]
    parts: list[RenderableType] = [side_by_side(names, found.designs, cells, width)]
    reasons: dict[str, list[str]] = {}
    for name in names:
        for run in found.runs:
            if run.setting == 0 and isnan(run.measures[name]):
                reasons.setdefault(why_unknown(name, run.measures), []).append(name)
                break
    for why, unknown in reasons.items():
        parts.append(Padding(Text(f"? {why}: {', '.join(unknown)}", "dim"), (0, 0, 0, 2), expand=False))
    return parts


def _worth_showing(found: Result) -> list[str]:
    """The experiment's own measurements; of the common ones those it shows, outcomes that occurred, and latency where
    it has no other."""
    own = [name for name in found.measures if name not in EXPLAINED]
    counts = [m for m in ("ok", "fail", "unknown") if any(any(found.samples(d, m)) for d in found.designs)]
    if counts == ["ok"] and own:
        counts = []
    if counts and counts != ["ok"]:
        counts.append("answered_share")
    usual = [] if own else ["latency_p50_ms", "latency_p99_ms", "throughput_per_s"]
    return list(dict.fromkeys([*own, *found.shows, *counts, *usual]))


def _conditions(found: Result, width: int) -> str:
    count = len(found.seeds)
    many = f"{count} seeds, mean ± half of the 95 % interval; equal on all seeds where there is none"
    seeds = "1 seed" if count == 1 else many
    if found.seeds != list(range(count)):
        seeds = f"seed {found.seeds[0]}" if count == 1 else f"{seeds}; from {found.seeds[0]} to {found.seeds[-1]}"
    params = ", ".join(f"{k} {v}" for k, v in found.params.items())
    room = max(20, min(width, READ + 20) - 4)
    lines = [*textwrap.wrap(f"{seeds} · stage {found.stage}", room), *textwrap.wrap(params, room)]
    return "\n".join(f"  {line}" for line in lines)


def _claim(claim: JudgedClaim) -> RenderableType:
    sign, style = SIGNS[claim.verdict]
    body = Text().append(claim.expression, "dim" if claim.verdict in ("skipped", "not claimed") else "bold")
    if claim.shown:
        note = f"   {claim.note}" if claim.note else ""
        body.append(f"\n{claim.shown}", style).append(note, "dim")
    elif claim.note:
        body.append(f"   {claim.note}", "dim")
    said = _because(claim.because, claim.given, claim.source, claim.where if claim.verdict != "not claimed" else "")
    return _signed((sign, style), body.append(f"\n{said}", "dim"))


def _because(because: str, given: Mapping[str, Any], source: str, where: str = "") -> str:
    setting = ", ".join(f"{k} = {v}" for k, v in given.items())
    limits = (f"with {setting}: " if setting else "") + (f"where {where}: " if where else "")
    return limits + because + (f" ({source})" if source else "")
