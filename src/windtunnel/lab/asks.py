"""The question before the result, and the sentences of why after it: both are held to what was measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from windtunnel.lab.claims import Ruling, number
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.params import settings


@dataclass(frozen=True, slots=True)
class Ask:
    """A number to guess before a run shows it.

    Args:
        question: in the asker's words, one sentence that ends with a question mark.
        answer: an expression as in `Claim`, with a number as its value.
        unit: of that number; "" where it has none.
        low: where the scale of guesses begins.
        high: where it ends.
        log: whether the scale is logarithmic; then it begins above 0.
    """

    question: str
    answer: str
    unit: str
    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not self.question.endswith("?"):
            raise WrongInput(f"{self.question!r} asks nothing; end it with a question mark.")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise WrongInput(f"{self.question!r} has a scale from {self.low} to {self.high}; low must be below high.")
        if self.log and self.low <= 0:
            raise WrongInput(f"{self.question!r} has a logarithmic scale from {self.low}; it must begin above 0.")


@dataclass(frozen=True, slots=True)
class Why:
    """A sentence of the explanation, and the expression of the experiment's claim that holds it."""

    sentence: str
    claim: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A question with the answer of a run: the mean over the seeds, and its interval."""

    question: str
    answer: str
    unit: str
    low: float
    high: float
    log: bool
    mean: float
    mean_low: float
    mean_high: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """A sentence of why with the verdict on its claim."""

    sentence: str
    claim: str
    verdict: Ruling


def explained(why: Sequence[Why], claims: Sequence[Any]) -> list[Explained]:
    """Each sentence with the verdict on its claim; skipped where the experiment was run without that claim."""
    verdicts = {one.expression: one.verdict for one in claims}
    return [Explained(one.sentence, one.claim, verdicts.get(one.claim, "skipped")) for one in why]


def elsewhere(params: type, here: Mapping[str, Any]) -> str:
    """What whoever is asked has to know where a run is not the usual one, of which the questions speak; else "".

    Args:
        params: the experiment's class of parameters.
        here: those of the run.
    """
    usual = settings(params, {})
    others = [f"{name} {number(here[name])}, not {number(usual[name])}" for name in usual if here[name] != usual[name]]
    return f"Questions speak of the usual setting. Here: {'; '.join(others)}." if others else ""
