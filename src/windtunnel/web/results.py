"""A result as a page shows it: verdict, measurements, questions, claims, figures, charts; alike for all experiments."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

from windtunnel.lab.asks import Answered, elsewhere
from windtunnel.lab.claims import interval, number
from windtunnel.lab.experiment import MARKS, Experiment
from windtunnel.lab.measures import EXPLAINED
from windtunnel.lab.result import JudgedClaim, JudgedFigure, Result
from windtunnel.lab.statistics import Interval
from windtunnel.web.panels import Picture
from windtunnel.web.svg import picture

SIGNS = {
    "holds": ("✓", "holds"),
    "fails": ("✗", "fails"),
    "unknown": ("?", "cannot be told"),
    "skipped": ("–", "not judged here"),
    "not claimed": ("○", "not claimed in this setting"),
    "reproduced": ("✓", "reproduced"),
    "missed": ("✗", "missed"),
    "shown": ("·", "shown, not judged"),
}
BARS = 20
"""Steps of the little bars below numbers; a class each, since a page has no inline style."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A number of the table, and how long its bar is."""

    text: str
    bar: int


def view(result: Result, experiment: Experiment[Any], ident: str = "c") -> dict[str, Any]:
    """What the template of a result reads."""
    claims = [_claim(one) for one in result.claims]
    judged = [one for one in result.claims if one.verdict in ("holds", "fails", "unknown")]
    return {
        "result": result,
        "verdict": SIGNS[result.verdict],
        "said": _said(result),
        "rows": [(name, EXPLAINED.get(name, ""), _cells(result, name)) for name in worth_showing(result)],
        "claims": claims,
        "holding": sum(one.verdict == "holds" for one in judged),
        "judged": len(judged),
        "figures": [_figure(one) for one in result.figures if one.verdict != "skipped"],
        "asks": [(one, answer(one)) for one in result.asks],
        "elsewhere": elsewhere(experiment.params, result.params),
        "why": [(SIGNS[one.verdict], one.sentence) for one in result.why],
        "charts": charts(result, ident),
        "sources": list(experiment.sources),
    }


def _said(result: Result) -> str:
    """Where and how it was measured, in a line."""
    seeds = "1 seed" if len(result.seeds) == 1 else f"{len(result.seeds)} seeds"
    params = ", ".join(f"{name} {number(value)}" for name, value in result.params.items())
    return f"{seeds}, {len(result.designs)} designs, stage {result.stage}; {params}"


def worth_showing(result: Result) -> list[str]:
    """The experiment's own measurements and those it shows, outcomes that occurred, latency where it has no other."""
    own = [name for name in result.measures if name not in EXPLAINED]
    counts = [m for m in ("ok", "fail", "unknown") if any(any(result.samples(d, m)) for d in result.designs)]
    counts = [] if counts == ["ok"] and own else counts
    usual = [] if own else ["latency_p50_ms", "latency_p99_ms", "throughput_per_s"]
    return list(dict.fromkeys([*own, *result.shows, *counts, *usual]))


def _cells(result: Result, name: str) -> list[Cell]:
    found = [result.interval(design, name) for design in result.designs]
    most = max((one.mean for one in found if isfinite(one.mean)), default=0.0)
    same = len({one.mean for one in found}) < 2  # then bars would say nothing
    return [Cell(interval(one), 0 if same else _bar(one.mean, most)) for one in found]


def _bar(value: float, most: float) -> int:
    if not isfinite(value) or value <= 0 or most <= 0:
        return 0
    return max(1, round(value / most * BARS))


def _claim(one: JudgedClaim) -> dict[str, Any]:
    sign, word = SIGNS[one.verdict]
    return {
        "sign": sign,
        "word": word,
        "verdict": one.verdict.replace(" ", "-"),
        "because": one.because,
        "expression": one.expression,
        "shown": one.shown,
        "note": one.note,
        "source": one.source,
        "given": ", ".join(f"{k} = {number(v)}" for k, v in one.given.items()),
        "where": one.where,
        "breaks": one.breaks,
        "spares": one.spares,
    }


def _figure(one: JudgedFigure) -> dict[str, Any]:
    sign, word = SIGNS[one.verdict]
    return {
        "sign": sign,
        "word": word,
        "name": one.name,
        "stands": number(one.source_value),
        "ours": interval(Interval(one.ours, one.low, one.high, 0)),
        "band": f"± {number(round(100 * one.tolerance, 4))} %" if one.tolerance else "exact",
        "mark": one.mark,
        "means": MARKS.get(one.mark, ""),
        "conditions": one.conditions,
        "source": one.source,
        "note": one.note,
    }


def answer(one: Answered) -> str:
    """What a run answers to a question that was asked before it."""
    if one.note:
        return one.note
    return f"{interval(Interval(one.mean, one.mean_low, one.mean_high, 0))} {one.unit}".strip()


def charts(result: Result, ident: str) -> list[Picture]:
    """Every chart that has something to draw, of the first seed."""
    found = []
    for index, one in enumerate(result.charts):
        designs = {
            design: run.charts[index]
            for design in result.designs
            for run in result.of(design)[:1]
            if index < len(run.charts)
        }
        drawn = picture(one, designs, f"{ident}{index}")
        if drawn.panels:
            found.append(drawn)
    return found


def as_csv(result: Result) -> str:
    """A line for each measurement of each run: design, seed, setting, name, value."""
    rows: Iterable[tuple[Any, ...]] = (
        (run.design, run.seed, run.setting, name, "" if isnan(value) else value)
        for run in result.runs
        for name, value in run.measures.items()
    )
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("design", "seed", "setting", "measure", "value"))
    writer.writerows(rows)
    return out.getvalue()
