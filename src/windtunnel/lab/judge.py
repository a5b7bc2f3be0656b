"""From measurements to verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from windtunnel.lab.asks import Answered
from windtunnel.lab.claims import (
    Ruling,
    Table,
    applies,
    equal_pairs,
    measured_in,
    number,
    speaks_of,
    truth,
    truth_of_means,
    value,
    with_numbers,
)
from windtunnel.lab.experiment import Experiment, Figure
from windtunnel.lab.footing import speaks_of as speaks_of_stage
from windtunnel.lab.result import JudgedClaim, JudgedFigure, Run
from windtunnel.lab.statistics import EQUAL_SEEDS, Interval, NotMeasurable, t_interval


def tables(
    expression: str, runs: Sequence[Run], setting: int, params: Mapping[str, Any], designs: Sequence[str]
) -> list[Table]:
    """A table a seed, with the designs that the expression names."""
    found: dict[int, dict[str, Mapping[str, float]]] = {}
    for run in runs:
        if run.setting == setting and run.design in designs:
            found.setdefault(run.seed, {"params": params})[run.design] = run.measures
    return list(found.values()) if designs else [{"params": params}]


def judge_claims(
    experiment: Experiment[Any],
    stage: str,
    chosen: Sequence[str],
    runs: Sequence[Run],
    setting_of: Sequence[int],
    settings: Sequence[dict[str, Any]],
) -> list[JudgedClaim]:
    """Every claim with its verdict; one that speaks of designs or stages that were not run is skipped."""
    judged = []
    for claim, index in zip(experiment.claims, setting_of, strict=True):
        verdict: Ruling
        shown, seeds, note = "", [], ""
        named = speaks_of(claim.expression)
        absent = [name for name in named if name not in chosen]
        if absent:
            verdict, note = "skipped", f"{', '.join(absent)} did not run"
        elif not speaks_of_stage(claim.stages, stage):
            verdict, note = "skipped", f"it speaks of stage {' or '.join(claim.stages)}"
        elif not applies(claim.where, settings[index]):
            verdict, note = "not claimed", f"not claimed here, only where {claim.where}"
        else:
            rows = tables(claim.expression, runs, index, settings[index], named)
            shown = with_numbers(claim.expression, rows)
            if claim.over == "mean":
                verdict = _word(truth_of_means(claim.expression, rows))
                if verdict == "unknown":
                    note = _undecided(claim.expression, rows)
            else:
                seeds = [truth(claim.expression, row) for row in rows]
                verdict = _word(False if False in seeds else None if None in seeds else True)
                if len(rows) > 1:
                    note = f"on {sum(s is True for s in seeds)} of {len(seeds)} seeds"
            if verdict == "unknown" and (why := why_not(claim.expression, rows)):
                note = f"not measurable here, because {why}"
        judged.append(
            JudgedClaim(
                claim.expression,
                claim.because,
                verdict,
                shown,
                seeds,
                claim.over,
                dict(claim.given),
                claim.source,
                claim.breaks,
                claim.spares,
                note,
                claim.where,
            )
        )
    return judged


def judge_figures(
    experiment: Experiment[Any],
    stage: str,
    chosen: Sequence[str],
    runs: Sequence[Run],
    setting_of: Sequence[int],
    settings: Sequence[dict[str, Any]],
    usual: bool,
) -> list[JudgedFigure]:
    """Every figure with our mean beside it; judged at the default parameters only, for it speaks of those."""
    judged = []
    for figure, index in zip(experiment.figures, setting_of, strict=True):
        named = speaks_of(figure.ours)
        ours = low = high = math.nan
        note = ""
        if not usual:
            verdict, note = "skipped", "it speaks of the default parameters"
        elif any(name not in chosen for name in named):
            verdict, note = "skipped", "not all its designs ran"
        elif not speaks_of_stage(figure.stages, stage):
            verdict, note = "skipped", f"it speaks of stage {' or '.join(figure.stages)}"
        else:
            rows = tables(figure.ours, runs, index, settings[index], named)
            between = t_interval([value(figure.ours, row) for row in rows])
            ours, low, high = between.mean, between.low, between.high
            verdict, note = ("shown", "") if figure.mark == "M" else _held_to(figure, between)
            if verdict == "unknown" and (why := why_not(figure.ours, rows)):
                note = f"not measurable here, because {why}"
        judged.append(
            JudgedFigure(
                figure.name,
                figure.source_value,
                ours,
                low,
                high,
                figure.tolerance,
                figure.mark,
                verdict,
                figure.conditions,
                figure.source,
                note,
            )
        )
    return judged


def judge_asks(
    experiment: Experiment[Any], chosen: Sequence[str], runs: Sequence[Run], params: Mapping[str, Any]
) -> list[Answered]:
    """Every question to guess with the answer of this run."""
    found = []
    for ask in experiment.asks:
        named = speaks_of(ask.answer)
        absent = [name for name in named if name not in chosen]
        between, note = Interval(math.nan, math.nan, math.nan, 0), f"{', '.join(absent)} did not run"
        if not absent:
            between = t_interval([value(ask.answer, row) for row in tables(ask.answer, runs, 0, params, named)])
            note = "" if not math.isnan(between.mean) else "it cannot be told here"
        found.append(
            Answered(
                ask.question,
                ask.answer,
                ask.unit,
                ask.low,
                ask.high,
                ask.log,
                between.mean,
                between.low,
                between.high,
                note,
            )
        )
    return found


def why_not(expression: str, rows: Sequence[Table]) -> str:
    """The first reason why a measurement of these is no number; "" where none says one."""
    return next((x.why for row in rows for x in measured_in(expression, row) if isinstance(x, NotMeasurable)), "")


def _undecided(expression: str, rows: Sequence[Table]) -> str:
    """Why a claim over means is unknown."""
    if len(rows) < 2:
        return "it needs two seeds"
    if equal_pairs(expression, rows):
        return f"equal on all {len(rows)} seeds, which is no certainty: {EQUAL_SEEDS} on one side decide, ties never"
    return "the intervals of the differences do not decide"


def _held_to(figure: Figure, ours: Interval) -> tuple[str, str]:
    """The verdict on a figure, and why it is not reproduced."""
    if math.isnan(ours.mean):
        return "unknown", "it cannot be told"
    if ours.n < 2:
        return "unknown", "one seed has no interval"
    if ours.low == ours.high and ours.n < EQUAL_SEEDS:
        return "unknown", f"equal on all {ours.n} seeds, which is no certainty: {EQUAL_SEEDS} decide"
    # What rounding adds must not put a number that is met to the digit outside of a band without width.
    allowed = abs(figure.source_value) * (figure.tolerance + 1e-12)
    low, high = figure.source_value - allowed, figure.source_value + allowed
    if low <= ours.low and ours.high <= high:
        return "reproduced", ""
    wide = f"within {number(figure.tolerance * 100)} %" if figure.tolerance else "equal to it"
    if ours.high < low or ours.low > high:
        return "missed", f"our interval is nowhere {wide}"
    return "unknown", f"our interval is not wholly {wide}"


def _word(found: bool | None) -> Ruling:
    return "unknown" if found is None else "holds" if found else "fails"
