"""An interview about an experiment: what is asked next, and what is said to an answer. Terminal and page ask the same.

It runs nothing by itself. What has to be measured before it can reply is a `Need`; whoever holds the interview hands
what `found` makes of it to `answer`. An answer may be empty: then ours is told, and nobody is stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from windtunnel.lab.asks import Ask
from windtunnel.lab.board import Turn
from windtunnel.lab.claims import speaks_of
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.guessed import EXACTLY, RIGHT, distance, with_unit
from windtunnel.lab.params import settings
from windtunnel.lab.quantities import quantity

Phase = Literal["clarify", "estimate", "boxes", "deep dive", "failure", "scale"]
Kind = Literal["words", "number", "choice"]
Need = tuple[Phase, int]
"""What has to be run: the boxes (0), the asks of the dive (0), a failure or a scale by its number."""
Progress = Callable[[int, int, str, int], object]
NEAR_TIMES = 3.0
"""An estimate that is off by less is good enough to go on with: what it decides is an order of magnitude."""


@dataclass(frozen=True, slots=True)
class Step:
    """One question.

    Attributes:
        at: which of its phase.
        unit: of the number that is asked.
        choices: what can be picked.
    """

    phase: Phase
    at: int
    kind: Kind
    question: str
    unit: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What is said to an answer.

    Attributes:
        sentences: to the one who answered.
        noted: what then stands on the board; several lines for boxes.
        said, ours: the numbers, where it was about numbers.
        far: how far off, in words.
    """

    step: Step
    sentences: tuple[str, ...]
    noted: str
    said: float | None = None
    ours: float | None = None
    far: str = ""


class Interview:
    """One interview, as far as it has come.

    Args:
        experiment: it has a board.
        quick: whether what is run is run in the small setting; estimates speak of the full one.

    Raises:
        WrongInput: the experiment has no board.
    """

    def __init__(self, experiment: Experiment[Any], quick: bool = False) -> None:
        if experiment.board is None:
            raise WrongInput(
                f"{experiment.id} has no board for an interview; windtunnel show {experiment.id} has its lesson."
            )
        self.experiment, self.board, self.quick = experiment, experiment.board, quick
        self.params: Mapping[str, Any] = settings(experiment.params, {})
        self.told: list[Told] = []
        self.answers: list[str] = []
        self.known: dict[str, list[Any]] = {}
        """What has been found for each need; nothing is run twice."""
        self._picked = 0

    @property
    def steps(self) -> list[Step]:
        """All questions, as they stand with what was picked."""
        board, asks = self.board, self.experiment.asks
        failure = board.failures[self._picked]
        found = [Step("clarify", i, "words", one.question) for i, one in enumerate(board.clarify)]
        found += [Step("estimate", i, "number", e.question, e.unit) for i, e in enumerate(board.estimates)]
        found.append(Step("boxes", 0, "words", "Which boxes do you draw, and who calls whom?"))
        found += [Step("deep dive", i, "number", ask.question, ask.unit) for i, ask in enumerate(asks)]
        if len(board.failures) > 1:
            choices = tuple(one.what for one in board.failures)
            found.append(Step("failure", 0, "choice", "What goes wrong? Pick one.", choices=choices))
        found.append(Step("failure", self._picked, "number", _question(failure), failure.ask.unit))
        found += [Step("scale", i, "number", _question(t), t.ask.unit) for i, t in enumerate(board.scale)]
        return found

    @property
    def step(self) -> Step | None:
        """The question that waits for its answer; None where the interview is over."""
        steps = self.steps
        return steps[len(self.told)] if len(self.told) < len(steps) else None

    def need(self, text: str) -> Need | None:
        """What has to be run before this answer can be replied to; None where that is nothing, or is known.

        Raises:
            WrongInput: it is no answer.
        """
        step = self._asked()
        match step.kind:
            case "number":
                quantity(text, step.unit)
            case "choice":
                self._choice(step, text)
        need = _need(step)
        return need if need is not None and _name(need) not in self.known else None

    def answer(self, text: str, found: Sequence[Any] | None = None) -> Told:
        """Take an answer.

        Args:
            text: what was typed; empty where nobody wanted to answer.
            found: what `found` returns for the need, where there is one.

        Raises:
            WrongInput: it is no answer; nothing was taken.
        """
        step = self._asked()
        need = _need(step)
        if need is not None and found is not None:
            self.known[_name(need)] = list(found)
        told = self._reply(step, text, self.known.get(_name(need), []) if need is not None else [])
        self.told.append(told)
        self.answers.append(text.strip())
        return told

    def closing(self) -> list[str]:
        """What is said at the end: each number beside ours, and what to do next."""
        numbers = [one for one in self.told if one.step.kind == "number"]
        said = [one for one in numbers if one.said is not None and one.ours is not None]
        lines = [f"{len(said)} of {len(numbers)} numbers were committed to before they were shown."]
        near = [one for one in said if one.far in (EXACTLY, RIGHT) or _near(one.said, one.ours)]
        if said:
            lines.append(f"{len(near)} of them were right, or within {NEAR_TIMES:g} times what came out.")
        far = [one for one in said if one not in near]
        lines += [f"Think again about: {one.step.question} ({one.far})" for one in far]
        others = [t.what for i, t in enumerate(self.board.failures) if i != self._picked]
        if others:
            lines.append(f"Not picked: {'; '.join(others)}.")
        return lines

    # --- replies ---------------------------------------------------------------------------------------------------
    def _asked(self) -> Step:
        step = self.step
        if step is None:
            raise WrongInput("This interview is over; begin another one.")
        return step

    def _choice(self, step: Step, text: str) -> int:
        said = text.strip()
        if not said:
            return 0
        named = [i for i, choice in enumerate(step.choices) if choice.lower().startswith(said.lower())]
        if said.isdecimal() and 1 <= int(said) <= len(step.choices):
            return int(said) - 1
        if len(named) == 1:
            return named[0]
        raise WrongInput(f"{said!r} is none of them; say a number from 1 to {len(step.choices)}.")

    def _reply(self, step: Step, text: str, found: Sequence[Any]) -> Told:
        if step.kind == "choice":
            self._picked = self._choice(step, text)
            return Told(step, (f"{step.choices[self._picked]}, then.",), step.choices[self._picked])
        match step.phase:
            case "clarify":
                answer = self.board.clarify[step.at].answer
                return Told(step, (answer,), f"{step.question} {answer}")
            case "boxes":
                return Told(step, tuple(found[:1]), "\n".join(found[1:]))
            case "estimate":
                one = self.board.estimates[step.at]
                ours = one.value(self.params)
                worked = (
                    one.formula
                    if one.formula == one.shown(self.params)
                    else f"{one.formula} = {one.shown(self.params)}"
                )
                why = f"{one.because} {worked} = {with_unit(ours, step.unit)}."
                return _compared(step, text, ours, None, True, f"Ours: {with_unit(ours, step.unit)}.", why)
            case _:
                turn = self._turn(step)
                ask = turn.ask if turn is not None else self.experiment.asks[step.at]
                came = found[step.at if turn is None else 0]
                ours = math.nan if came is None else float(came)
                why = self._because(turn.claim if turn is not None else "")
                told = f"Measured: {with_unit(ours, step.unit)}."
                return _compared(step, text, ours, ask.high - ask.low, ask.log, told, why)

    def _because(self, expression: str) -> str:
        """The sentence that a claim of the experiment holds."""
        return next((one.because for one in self.experiment.claims if one.expression == expression), "")

    def _turn(self, step: Step) -> Turn | None:
        match step.phase:
            case "failure":
                return self.board.failures[step.at]
            case "scale":
                return self.board.scale[step.at]
        return None


def found(experiment: Experiment[Any], need: Need, quick: bool, progress: Progress | None = None) -> list[Any]:
    """What a need comes to: numbers of asks (NaN where none could be measured), or of boxes a sentence and lines.

    Raises:
        WrongInput, DesignError: as `run`.
    """
    from windtunnel.lab.run import run

    phase, at = need
    board = experiment.board
    assert board is not None
    bare = replace(experiment, claims=(), why=(), figures=(), charts=(), asks=())
    if phase == "boxes":
        return _boxes(bare)
    turn = {"failure": board.failures, "scale": board.scale}.get(phase)
    asks: Sequence[Ask] = experiment.asks if turn is None else (turn[at].ask,)
    designs = list(dict.fromkeys(name for ask in asks for name in speaks_of(ask.answer)))
    given = {} if turn is None else turn[at].given
    result = run(replace(bare, asks=asks), designs=designs or None, quick=quick, progress=progress, **given)
    return [one.mean for one in result.asks]


def _boxes(experiment: Experiment[Any]) -> list[str]:
    """The boxes of the best design, from a traced run in the small setting."""
    from windtunnel.lab.run import run
    from windtunnel.lab.trace.reading import topology

    best = list(experiment.designs)[-1]
    if "sim" not in experiment.stages:
        return [f"{best} runs on this machine and not in the tunnel, so there is no picture of its boxes."]
    traced = run(experiment, "sim", seeds=[0], designs=[best], quick=True, trace=True).trace
    assert traced is not None
    lines = topology(traced[best]).text().splitlines()
    return [f"These are the boxes of {best}, with what went between them in a short run.", *lines]


def _need(step: Step) -> Need | None:
    """What has to be run before any answer to it can be replied to."""
    if step.kind == "choice" or step.phase in ("clarify", "estimate"):
        return None
    return (step.phase, 0 if step.phase == "deep dive" else step.at)


def _name(need: Need) -> str:
    return f"{need[0]} {need[1]}"


def _question(turn: Turn) -> str:
    return f"{turn.what}. {turn.ask.question}"


def _compared(step: Step, text: str, ours: float, span: float | None, log: bool, told: str, because: str) -> Told:
    said = quantity(text, step.unit)
    far = distance(said, ours, step.unit, span, log) if said is not None else ""
    yours = () if said is None else (f"You said {with_unit(said, step.unit)}: {far}.",)
    sentences = (told, *yours, *([because] if because else []))
    noted = f"{step.question} {with_unit(ours, step.unit)}"
    return Told(step, sentences, noted, said, None if math.isnan(ours) else ours, far)


def _near(said: float | None, ours: float | None) -> bool:
    if said is None or ours is None:
        return False
    if said > 0 and ours > 0:
        return max(said / ours, ours / said) <= NEAR_TIMES
    return said == ours
