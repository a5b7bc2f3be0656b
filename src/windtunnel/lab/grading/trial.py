"""One run of one design that somebody doubts: play it, and shrink it to the smallest that still goes wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import combinations
from typing import Any

from windtunnel.engines.registry import MODEL
from windtunnel.lab.diagram import WIDTH, Arrow, Diagram, Lanes, Mark, of_events
from windtunnel.lab.errors import DesignError, WrongInput
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.footing import name_of as stage_name
from windtunnel.lab.grading.minimise import minimise
from windtunnel.lab.history import Event, History, Op
from windtunnel.lab.params import make
from windtunnel.lab.running.outcomes import UNREPORTED
from windtunnel.lab.running.work import drive, faults_of, measured, workload
from windtunnel.lab.trace.reading import messages
from windtunnel.lab.trace.recorder import Recorder
from windtunnel.sim.fault import Fault, name_of
from windtunnel.sim.network import CLIENTS
from windtunnel.sim.outages import on_ways


class Gone(RuntimeError):
    """The process in which the design ran is no more."""


class Unreported(DesignError):
    """No report could be had, and nothing else says what is asked."""


FEW = 24
"""Requests of a run whose messages are told: more would hide what goes wrong among them."""
MOST_ARROWS = 40
"""More messages than these hide the operations that they belong to."""
OFFENDING = "✗ at a request: had nobody heard its outcome, the rest would do."
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
    """The smallest run that still goes wrong: its requests, its faults, and both as a diagram.

    `sentence` says what is wrong with it. `offending` are the requests whose outcomes contradict it: had any one of
    them not been seen, the rest would do. There are none where no single outcome is to blame.
    """

    seed: int
    ops: list[Op]
    faults: list[Fault]
    history: History
    measures: Mapping[str, float]
    sentence: str = ""
    offending: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Requests and faults together."""
        return len(self.ops) + len(self.faults)

    def to_dict(self, width: int = WIDTH) -> dict[str, Any]:
        """As plain data, with the space-time diagram as text, so many columns wide, and as SVG."""
        events = sorted(self.history, key=lambda e: (e.start, e.id))
        diagram = _with_faults(of_events(events, self.offending, _arrows(self.history, events)), self.faults)
        return {
            "seed": self.seed,
            "sentence": self.sentence,
            "events": [_plain(event) for event in events],
            "faults": [asdict(fault) | {"text": str(fault)} for fault in self.faults],
            "text": diagram.text(width) + (f"\n\n{OFFENDING}" if self.offending else ""),
            "offending": list(self.offending),
            "svg": diagram.svg(self.sentence),
            "machines": _at_work(self.history),
        }


def play(
    experiment: Experiment[Any],
    design: str,
    trial: Trial,
    ops: Sequence[Op] | None = None,
    faults: Sequence[Fault] | None = None,
) -> History:
    """What happened, and what the engines held; with fewer requests or faults where they are given.

    Raises:
        Unreported: a connection was lost where that is no request's outcome, as in a process of the design's own.
        DesignError: the design is broken otherwise.
    """
    params = make(experiment.params, trial.settings)
    ops = workload(experiment, params, trial.seed) if ops is None else list(ops)
    wrong = [*faults_of(experiment, params), *(trial.faults if faults is None else faults)]
    stage = stage_name(experiment.stages[0]) if experiment.measured else MODEL
    tracer = Recorder() if len(ops) <= FEW and stage == MODEL else None
    try:
        history = drive(experiment, stage, design, trial.seed, params, ops, wrong, tracer, watched=True)
    except DesignError as error:
        if isinstance(error.__cause__, ConnectionError):
            raise Unreported(str(error)) from error.__cause__
        raise
    if tracer is not None and history.held is not None:
        history.held = replace(history.held, messages=messages(tracer.trace))
    return history


def judged(experiment: Experiment[Any], history: History, params: Any, design: str = "") -> dict[str, float]:
    """What is measured of a trial. Raises WrongInput, and DesignError where a report that is needed cannot be had."""
    if UNREPORTED in history.facts and experiment.audit is None:
        raise Unreported(str(history.facts[UNREPORTED]))
    return measured(experiment, history, params, design)


Plays = Callable[[str, Trial, "list[Op] | None", "Sequence[Fault] | None"], tuple[History, dict[str, float]]]
"""Plays a design of this name and measures it."""
Breaks = Callable[[Mapping[str, float]], bool]
"""Whether what was measured of the design shows the failure."""
Broken = Callable[[Mapping[str, Mapping[str, float]]], bool]
"""Whether what was measured of the designs, by their names, shows the failure."""


def shrink(
    experiment: Experiment[Any],
    plays: Plays,
    design: str,
    trial: Trial,
    broken: Broken,
    *,
    beside: Sequence[str] = (),
    tries: int = 600,
    most_requests: float = math.inf,
) -> Case:
    """The fewest requests and faults of a trial that still show the failure.

    First whole clients are left out, then single requests and faults, then two of them at a time, until nothing can be
    spared. A run that goes wrong otherwise (the design raises) does not count: it would be another failure.

    Args:
        beside: designs that serve the same requests, for failures that only show in comparison.
        tries: about how many runs it may take; the smallest case so far is returned then.
        most_requests: about how many requests these runs may have together.

    Raises:
        ValueError: the trial itself does not show it.
    """
    spent = served = 0

    def shows(ops: list[Op], faults: Sequence[Fault]) -> bool:
        nonlocal spent, served
        spent += 1
        if served > most_requests:
            return False
        served += len(ops)
        try:
            return broken({name: plays(name, trial, ops, faults)[1] for name in (design, *beside)})
        except Gone:
            raise
        except (WrongInput, RuntimeError):
            return False

    params = make(experiment.params, trial.settings)
    ops = workload(experiment, params, trial.seed)
    faults = list(trial.faults)
    clients = minimise(
        list(dict.fromkeys(op.client for op in ops)),
        lambda left: shows(_of_clients(ops, left), faults),
        tries // 4,
    )
    ops = _of_clients(ops, clients)
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
    history, measures = plays(design, trial, ops, faults)
    return Case(trial.seed, ops, faults, history, measures)


def offending(experiment: Experiment[Any], design: str, trial: Trial, case: Case, breaks: Breaks) -> tuple[int, ...]:
    """Of the few requests of a case those without whose outcomes the same history would not be judged as it is."""
    history, params = case.history, make(experiment.params, trial.settings)
    if len(history) > FEW or not breaks(case.measures):
        return ()
    found = []
    for event in history:
        rest = History([e for e in history if e is not event], history.facts, history.duration, history.held)
        with suppress(WrongInput, RuntimeError):  # a history without it that cannot be judged says nothing
            if not breaks(judged(experiment, rest, params, design)):
                found.append(event.id)
    return tuple(found)


def _of_clients(ops: Sequence[Op], clients: Sequence[str]) -> list[Op]:
    known = set(clients)
    return [op for op in ops if op.client in known]


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


def _at_work(history: History) -> list[str]:
    """What each server did, a line each: who stands idle beside a queue is seen."""
    if history.held is None:
        return []
    lines = []
    for name, machine in history.held.machines.items():
        jobs = [
            f"{work:.3g} s of work from {at:.4g} s to {f'{done:.4g} s' if done is not None else 'no end'}"
            for at, done, work in machine.jobs
        ]
        lines.append(f"{name}: {'; '.join(jobs) or 'idle all the time'}")
    return lines


def _arrows(history: History, events: Sequence[Event]) -> list[Arrow]:
    """The messages, each of a client in the lane of its request; only those that were lost where there are too many."""
    lanes = Lanes()
    own = {event.id: lanes.free(event.client, event.start, event.end) for event in events}

    def lane(host: str, request: int) -> str:
        return own[request] if host == CLIENTS and request in own else host

    found = [
        Arrow(sent, lane(source, request), arrived, lane(target, request), text)
        for request, source, target, sent, arrived, text in (history.held.messages if history.held is not None else ())
    ]
    return found if len(found) <= MOST_ARROWS else [arrow for arrow in found if arrow.to_s is None][:MOST_ARROWS]


def _with_faults(diagram: Diagram, faults: Sequence[Fault]) -> Diagram:
    """The diagram with the faults in lanes of their own."""
    marks = list(diagram.marks)
    lanes = Lanes()
    for fault in sorted(faults, key=lambda f: f.at_s):
        between = on_ways(fault)
        strikes = ("network",) if between else tuple(map(name_of, fault.targets))
        said = str(fault) if between else f"{fault.word} {fault.details()}".strip()
        ends_s = fault.at_s + (fault.for_s or 0.0)
        for name in strikes:
            lane = lanes.free(name, fault.at_s, ends_s)
            if fault.for_s is None:
                marks.append(Mark(fault.at_s, lane, said, bad=True))
                continue
            marks.append(Mark(fault.at_s, lane, said, "begin", bad=True))
            marks.append(Mark(ends_s, lane, f"end of {fault.word}", "end"))
    return Diagram(tuple(dict.fromkeys([*diagram.lanes, *lanes.names()])), tuple(marks), diagram.arrows)


def _plain(event: Event) -> dict[str, Any]:
    found: dict[str, Any] = event._asdict()
    found["args"] = [a if isinstance(a, int | float | str) else str(a) for a in event.args]
    if not isinstance(event.value, int | float | str | None):
        found["value"] = str(event.value)
    return found
