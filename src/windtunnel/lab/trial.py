"""One run of one design that somebody doubts: play it, and shrink it to the smallest that still goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import combinations
from typing import Any

from windtunnel.lab.diagram import Diagram, Mark, of_events
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Experiment, Fault
from windtunnel.lab.history import Event, History, Op
from windtunnel.lab.minimise import minimise
from windtunnel.lab.params import make
from windtunnel.lab.weather import in_weather
from windtunnel.lab.work import drive, measured, workload

PAIRS = 12
"""Up to this many requests and faults the shrinker also tries to leave out two at a time."""


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
        diagram = _with_faults(of_events(events), self.faults)
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
    made = in_weather(experiment.designs[design], wrong)
    experiment = replace(experiment, designs={design: made}, module=experiment.module)
    history = drive(experiment, "sim", design, trial.seed, params, ops, wrong)
    return history, measured(experiment, history, params)


Broken = Callable[[History, Mapping[str, float]], bool]
"""Whether a run shows the failure."""


def shrink(experiment: Experiment[Any], design: str, trial: Trial, broken: Broken, tries: int = 600) -> Case:
    """The fewest requests and faults of a trial that still show the failure.

    First whole clients are left out, then single requests and faults, then two of them at a time, until nothing can be
    spared. A run that goes wrong otherwise (the design raises) does not count: it would be another failure.

    Args:
        tries: about how many runs it may take; the smallest case so far is returned then.

    Raises:
        ValueError: the trial itself does not show it.
    """
    spent = 0

    def shows(ops: list[Op], faults: Sequence[Fault]) -> bool:
        nonlocal spent
        spent += 1
        try:
            return broken(*play(experiment, design, trial, ops, faults))
        except (WrongInput, RuntimeError):
            return False

    params = make(experiment.params, trial.settings)
    ops = workload(experiment, params, trial.seed)
    faults = list(trial.faults)
    clients = minimise(
        list(dict.fromkeys(op.client for op in ops)),
        lambda left: shows([op for op in ops if op.client in set(left)], faults),
        tries // 4,
    )
    ops = [op for op in ops if op.client in set(clients)]
    while spent < tries:
        before = len(ops) + len(faults)
        if faults:
            faults = minimise(faults, partial(shows, ops), tries - spent)
        if ops and spent < tries:
            ops = minimise(ops, partial(_swapped, shows, faults), tries - spent)
        if len(ops) + len(faults) < before:
            continue
        pair = _spare_pair(ops, faults, shows) if before <= PAIRS else None
        if pair is None:
            break
        ops, faults = pair
    history, measures = play(experiment, design, trial, ops, faults)
    return Case(trial.seed, ops, faults, history, measures)


def _swapped(shows: Callable[[list[Op], Sequence[Fault]], bool], faults: Sequence[Fault], ops: list[Op]) -> bool:
    return shows(ops, faults)


def _spare_pair(
    ops: list[Op], faults: list[Fault], shows: Callable[[list[Op], Sequence[Fault]], bool]
) -> tuple[list[Op], list[Fault]] | None:
    """The case without two of its parts neither of which can be left out alone; None where there are none."""
    for gone in combinations(range(len(ops) + len(faults)), 2):
        fewer = [op for i, op in enumerate(ops) if i not in gone]
        calmer = [fault for i, fault in enumerate(faults, len(ops)) if i not in gone]
        if fewer and shows(fewer, calmer):
            return fewer, calmer
    return None


def _with_faults(diagram: Diagram, faults: Sequence[Fault]) -> Diagram:
    """The diagram with the faults in lanes of their own."""
    marks = list(diagram.marks)
    for fault in faults:
        said = ", ".join(" ".join(map(str, a)) if isinstance(a, tuple) else str(a) for a in fault.args)
        if fault.for_s is None:
            marks.append(Mark(fault.at_s, fault.target, f"{fault.call} {said}".strip(), bad=True))
            continue
        marks.append(Mark(fault.at_s, fault.target, f"{fault.call} {said}".strip(), "begin", bad=True))
        marks.append(Mark(fault.at_s + fault.for_s, fault.target, fault.undo, "end"))
    lanes = dict.fromkeys([*diagram.lanes, *(fault.target for fault in faults)])
    return Diagram(tuple(lanes), tuple(marks), diagram.arrows)


def _plain(event: Event) -> dict[str, Any]:
    found: dict[str, Any] = event._asdict()
    found["args"] = [a if isinstance(a, int | float | str) else str(a) for a in event.args]
    if not isinstance(event.value, int | float | str | None):
        found["value"] = str(event.value)
    return found
