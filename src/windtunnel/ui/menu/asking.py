"""What is asked before a run shows it, and how far off an answer was."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import Any

from windtunnel.lab import guessed
from windtunnel.lab.asks import Answered
from windtunnel.lab.claims import ClaimError, parse, value
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.result import Result
from windtunnel.lab.statistics import mean
from windtunnel.ui.menu.fields import Field

UNITS = {"ms": "ms", "s": "s", "bytes": "bytes", "share": "of 1"}


@dataclass(frozen=True, slots=True)
class Question:
    """A number to guess. An experiment's own question has a scale; one that is derived has none."""

    question: str
    answer: str
    unit: str
    low: float | None = None
    high: float | None = None
    log: bool = False

    def field(self) -> Field:
        """An empty field for it."""
        return Field("", self.low, self.high, self.log)

    @property
    def measure(self) -> str:
        """The first measurement that its answer is made of."""
        return next((measure for _, measure in spoken_of(self.answer)), "")


def spoken_of(expression: str) -> list[tuple[str, str]]:
    """The designs and their measurements that an expression is made of, in its order."""
    found = sorted(
        (node.col_offset, node.value.id, node.attr)
        for node in ast.walk(parse(expression))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id != "params"
    )
    return list(dict.fromkeys((design, measure) for _, design, measure in found))


def questions(experiment: Experiment[Any]) -> list[Question]:
    """The experiment's own; where it has none, what its naive and its best design come to in the measurement by which
    a claim holds the naive one to its failure."""
    own = [Question(a.question, a.answer, a.unit, a.low, a.high, a.log) for a in experiment.asks]
    claims = sorted(experiment.claims, key=lambda claim: not claim.breaks)
    names = list(experiment.designs)
    if own or not claims:
        return own
    measures = [measure for _, measure in spoken_of(claims[0].expression)]
    unit = UNITS.get(measures[0].rpartition("_")[2], "") if measures else ""
    return [
        Question(f"What does {name} come to in {measure}?", f"{name}.{measure}", unit)
        for measure in measures[:1]
        for name in dict.fromkeys((names[0], names[-1]))
    ]


def answered(question: Question, found: Result) -> float:
    """The mean of what was measured; NaN where it cannot be told."""
    asked: Answered
    for asked in found.asks:
        if asked.question == question.question:
            return asked.mean
    tables = [
        {design: run.measures for design in found.designs for run in found.of(design) if run.seed == seed}
        | {"params": found.params}
        for seed in found.seeds
    ]
    try:
        return mean([value(question.answer, table) for table in tables])
    except (ClaimError, KeyError):
        return math.nan


def distance(question: Question, said: float, measured: float) -> str:
    """How far off a guess was, in the words of its scale."""
    span = None if question.low is None or question.high is None else question.high - question.low
    return guessed.distance(said, measured, question.unit, span, question.log)
