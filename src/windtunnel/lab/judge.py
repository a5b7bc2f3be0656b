"""From measurements to verdicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from windtunnel.lab.claims import Table, Verdict, number, speaks_of, truth, truth_of_means, value, with_numbers
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.footing import speaks_of as speaks_of_stage
from windtunnel.lab.result import JudgedClaim, JudgedFigure, Run
from windtunnel.lab.statistics import t_interval


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
        verdict: Verdict
        shown, seeds, note = "", [], ""
        named = speaks_of(claim.expression)
        absent = [name for name in named if name not in chosen]
        if absent:
            verdict, note = "skipped", f"{', '.join(absent)} did not run"
        elif not speaks_of_stage(claim.stages, stage):
            verdict, note = "skipped", f"it speaks of stage {' or '.join(claim.stages)}"
        else:
            rows = tables(claim.expression, runs, index, settings[index], named)
            shown = with_numbers(claim.expression, rows)
            if claim.over == "mean":
                verdict = _word(truth_of_means(claim.expression, rows))
                if verdict == "unknown":
                    note = "the intervals of the differences do not decide" if len(rows) > 1 else "it needs two seeds"
            else:
                seeds = [truth(claim.expression, row) for row in rows]
                verdict = _word(False if False in seeds else None if None in seeds else True)
                if len(rows) > 1:
                    note = f"on {sum(s is True for s in seeds)} of {len(seeds)} seeds"
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
            allowed = abs(figure.source_value) * figure.tolerance
            if figure.mark == "M":
                verdict = "shown"
            elif math.isnan(ours):
                verdict = "unknown"
            else:
                verdict = "holds" if abs(ours - figure.source_value) <= allowed else "fails"
            if verdict == "fails":
                note = f"more than {number(figure.tolerance * 100)} % away"
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


def _word(found: bool | None) -> Verdict:
    return "unknown" if found is None else "holds" if found else "fails"
