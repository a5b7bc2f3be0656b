"""The board of an interview, as values: what is asked on the way from a question to a design. No screen knows one.

An interview goes the way of the lesson: clarify, estimate, boxes, deep dive, failure, scale. The dive asks what the
experiment asks (`Experiment.asks`), and the boxes are those of a traced run, so that a board names neither.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from windtunnel.lab.asks import Ask
from windtunnel.lab.claims import number, reckoned
from windtunnel.lab.errors import WrongInput


@dataclass(frozen=True, slots=True)
class Clarify:
    """A requirement to settle before anything is drawn.

    Args:
        question: what the one who designs should ask, one sentence that ends with a question mark.
        answer: what the one who asks for the design answers here.
    """

    question: str
    answer: str

    def __post_init__(self) -> None:
        _asks(self.question)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number to work out on the back of an envelope.

    Args:
        question: one sentence that ends with a question mark.
        formula: over parameters, as `Claim.where` names them: `buyers / arrivals_per_s`. It is shown as it is computed.
        unit: of the number; "" where it has none.
        because: what the formula says, in a sentence.
    """

    question: str
    formula: str
    unit: str
    because: str

    def __post_init__(self) -> None:
        _asks(self.question)

    def value(self, params: Mapping[str, Any]) -> float:
        """What it comes to with these parameters. Raises ClaimError where the formula cannot be read."""
        return reckoned(self.formula, params)

    def shown(self, params: Mapping[str, Any]) -> str:
        """The formula with the numbers in it: `800 / 200`."""
        return re.sub(r"[a-z_][a-z0-9_]*", lambda name: _said(name[0], params), self.formula)


@dataclass(frozen=True, slots=True)
class Turn:
    """Another setting: something goes wrong, or there is ten times as much. It is predicted, then run.

    Args:
        what: what happens, a few words that can stand in a list.
        ask: what is predicted of it.
        given: the parameters that make it happen.
        claim: the expression of the experiment's claim that says why it comes out as it does; its sentence is told.
    """

    what: str
    ask: Ask
    given: Mapping[str, Any] = field(default_factory=dict)
    claim: str = ""


@dataclass(frozen=True, slots=True)
class Board:
    """What an interview about an experiment is made of.

    Args:
        clarify: what to settle first.
        estimates: numbers to work out.
        failures: what may go wrong; who is interviewed picks one.
        scale: what changes when there is more of it.
    """

    clarify: Sequence[Clarify]
    estimates: Sequence[Estimate]
    failures: Sequence[Turn]
    scale: Sequence[Turn]

    def __post_init__(self) -> None:
        for name in ("clarify", "estimates", "failures", "scale"):
            if not getattr(self, name):
                raise WrongInput(f"A board without {name} is no interview; put one there at least.")


def _asks(question: str) -> None:
    if not question.endswith("?"):
        raise WrongInput(f"{question!r} asks nothing; end it with a question mark.")


def _said(name: str, params: Mapping[str, Any]) -> str:
    return number(params[name]) if name in params else name
