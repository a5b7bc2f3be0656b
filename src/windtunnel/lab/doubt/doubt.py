"""Doubt an experiment: run everything that might refute it, and say what did."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from windtunnel.lab.doubt.changed import text_digest
from windtunnel.lab.doubt.crew import Crew, Say
from windtunnel.lab.doubt.judging import Judge
from windtunnel.lab.doubt.mutants import decoration
from windtunnel.lab.doubt.plan import Asked, Given, Plan, in_turns
from windtunnel.lab.doubt.report import Finding, Report
from windtunnel.lab.doubt.trials import Trial
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.provenance import commit
from windtunnel.lab.running.pool import cores

USUAL_CPU_S = 20.0
"""Of a run at the defaults: ten seconds on two cores."""


def doubt(
    experiment: Experiment[Any],
    asked: Asked,
    *,
    file: str = "",
    jobs: int | None = None,
    budget_s: float = math.inf,
    notes: Path | None = None,
    say: Say = lambda done, of: None,
) -> Report:
    """Try to refute an experiment.

    Args:
        file: where the experiment is a file outside of the catalogue.
        jobs: processes; as many as there are cores by default.
        budget_s: seconds after which no further trial is begun.
        notes: a file in which finished trials are noted, so that the same call goes on where one ended.
        say: told of every trial that is done.
    """
    plan = Plan(experiment, asked, file)
    # What is measured in real time is measured alone: other trials beside would be what disturbs it.
    with Crew(1 if experiment.measured else jobs or cores(), time.monotonic() + budget_s, notes, say) as crew:
        crew.perform(plan.first_trials())
        further = plan.further_settings(_too_large(plan, crew))
        judge = Judge(plan, crew.done, further)
        crew.perform(
            in_turns(
                [trial for _, trial in further],
                [plan.look_at(mutant) for mutant in plan.those],
                plan.fresh,
                [plan.usual, *plan.full] if plan.full else [],
            )
        )
        alive, alike = judge.survivors()
        crew.perform(
            in_turns(
                [plan.in_full(mutant) for mutant in alive],
                [plan.elsewhere(mutant, judge.elsewhere) for mutant in alike if not mutant.excuse],
                [plan.confirming(given, 0) for given in judge.suspicious()],
            )
        )
        crew.perform([plan.confirming(given, 1) for given in judge.still_suspicious()])
        return _report(plan, crew, judge)


def _too_large(plan: Plan, crew: Crew) -> Sequence[Given]:
    """The ends at which a quick run takes too long, or too much memory."""
    outcomes = [(given, crew.done.get(trial)) for given, trial in plan.ends]
    return [given for given, one in outcomes if one is not None and (one.wrong or ("",))[0] in ("time", "memory")]


def _report(plan: Plan, crew: Crew, judge: Judge) -> Report:
    experiment = plan.experiment
    findings = [*judge.seeds(), *judge.figures(), *judge.settings(), *judge.mutants()]
    findings += [Finding("decoration", f"No claim names the design {name}.") for name in decoration(experiment)]
    usual = crew.done.get(plan.usual)
    if usual is not None and usual.cpu_s > USUAL_CPU_S:
        findings.append(Finding("cost", f"A run at the defaults takes {usual.cpu_s:.0f} s of CPU."))
    return Report(
        experiment.id,
        text_digest(experiment),
        commit(),
        datetime.now(UTC).isoformat(timespec="seconds"),
        plan.asked.first,
        _seeds_of(plan.fresh, crew),
        _seeds_of(plan.full, crew),
        crew.tried,
        findings,
        judge.claimed(),
        judge.counts,
        judge.reproduced(),
        crew.cpu_s,
        0.0 if usual is None else usual.cpu_s,
        0.0 if usual is None else usual.memory_mb,
        judge.never_judged(),
        experiment.measured,
        judge.undecided(),
    )


def _seeds_of(trials: Sequence[Trial], crew: Crew) -> int:
    return sum(len(trial.seeds) for trial in trials if crew.done.get(trial) is not None)
