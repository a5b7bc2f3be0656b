"""One run of one design that somebody doubts: play it, and shrink it to the smallest that still goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from windtunnel.lab.diagram import of_events
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Experiment, Fault
from windtunnel.lab.history import Event, History, Op
from windtunnel.lab.minimise import minimise
from windtunnel.lab.params import make
from windtunnel.lab.work import drive, measured, workload


@dataclass(frozen=True, slots=True)
class Trial:
    """A seed, a setting, and what goes wrong beyond the experiment's own faults."""

    seed: int
    settings: Mapping[str, Any]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """The smallest run that still goes wrong: its requests, its faults, and both as a diagram."""

    seed: int
    ops: list[Op]
    faults: list[Fault]
    history: History
    measures: Mapping[str, float]

    @property
    def size(self) -> int:
        """Requests and faults together."""
        return len(self.ops) + len(self.faults)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, with the space-time diagram as text and as SVG."""
        events = sorted(self.history, key=lambda e: (e.start, e.id))
        diagram = of_events(events)
        return {
            "seed": self.seed,
            "events": [_plain(event) for event in events],
            "faults": [asdict(fault) for fault in self.faults],
            "text": diagram.text(),
            "svg": diagram.svg(),
        }


def play(
    experiment: Experiment[Any],
    design: str,
    trial: Trial,
    ops: list[Op] | None = None,
    faults: Sequence[Fault] | None = None,
) -> tuple[History, dict[str, float]]:
    """What happened, and what is measured on it; with fewer requests or faults where they are given."""
    params = make(experiment.params, trial.settings)
    if ops is None:
        ops = workload(experiment, params, trial.seed)
    wrong = [*experiment.faults_for(params), *(trial.faults if faults is None else faults)]
    history = drive(experiment, "sim", design, trial.seed, params, ops, wrong)
    return history, measured(experiment, history, params)


Broken = Callable[[History, Mapping[str, float]], bool]
"""Whether a run shows the failure."""


def shrink(experiment: Experiment[Any], design: str, trial: Trial, broken: Broken, tries: int = 300) -> Case:
    """The fewest requests and faults of a trial that still show the failure.

    A run that goes wrong otherwise (the design raises) does not count: it would be another failure.

    Raises:
        ValueError: the trial itself does not show it.
    """

    def shows(ops: list[Op], faults: Sequence[Fault]) -> bool:
        try:
            return broken(*play(experiment, design, trial, ops, faults))
        except (WrongInput, RuntimeError):
            return False

    params = make(experiment.params, trial.settings)
    ops = workload(experiment, params, trial.seed)
    faults = list(trial.faults)
    if faults:
        faults = minimise(faults, lambda left: shows(ops, left), tries)
    ops = minimise(ops, lambda left: shows(left, faults), tries)
    if faults:
        faults = minimise(faults, lambda left: shows(ops, left), tries)
    history, measures = play(experiment, design, trial, ops, faults)
    return Case(trial.seed, ops, faults, history, measures)


def _plain(event: Event) -> dict[str, Any]:
    found: dict[str, Any] = event._asdict()
    found["args"] = [a if isinstance(a, int | float | str) else str(a) for a in event.args]
    if not isinstance(event.value, int | float | str | None):
        found["value"] = str(event.value)
    return found
