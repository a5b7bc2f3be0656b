"""Grade a design of the user's: on seeds it has not seen, with and without faults, beside the reference.

Demands are claims about "yours". Those marked ``always`` have to hold whatever goes wrong; the others only while
nothing does. The first failure is shrunk to the fewest requests and faults that still show it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from windtunnel.lab.adversary import attacks
from windtunnel.lab.challenge import YOURS, challenge_of
from windtunnel.lab.claims import truth, with_numbers
from windtunnel.lab.diagram import of_events
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Claim, Experiment, Fault
from windtunnel.lab.history import Event, History, Op
from windtunnel.lab.minimise import minimise
from windtunnel.lab.outside import with_design
from windtunnel.lab.params import make, settings
from windtunnel.lab.work import drive, measured, workload

Say = Callable[[dict[str, Any]], object]
FIRST_HIDDEN_SEED = 7_001
"""Runs count seeds from 0; grading starts where nobody's experiments have been."""


@dataclass(frozen=True, slots=True)
class Demand:
    """A demand, on how many runs it held, and its numbers on the run that counts (a failing one, if any)."""

    expression: str
    because: str
    verdict: str
    held: int
    runs: int
    shown: str


@dataclass(frozen=True, slots=True)
class Case:
    """The smallest failing run: what was asked and what went wrong, as numbers, as a list and as a diagram."""

    demand: str
    shown: str
    seed: int
    events: list[dict[str, Any]]
    faults: list[dict[str, Any]]
    text: str
    svg: str

    @property
    def size(self) -> int:
        """Requests and faults together."""
        return len(self.events) + len(self.faults)


@dataclass(frozen=True, slots=True)
class Grade:
    """What came out. ``passed`` where every demand held on every run."""

    experiment: str
    passed: bool
    demands: list[Demand]
    par: str
    measures: dict[str, float]
    par_measures: dict[str, float]
    case: Case | None = None
    runs: int = 0
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As plain data, without what JSON cannot say."""
        found = asdict(self)
        for table in ("measures", "par_measures"):
            found[table] = {k: v if math.isfinite(v) else None for k, v in found[table].items()}
        return found


@dataclass(frozen=True, slots=True)
class _Trial:
    """One run of yours: the seed, the setting, what goes wrong."""

    seed: int
    params: dict[str, Any]
    faults: tuple[Fault, ...]

    @property
    def quiet(self) -> bool:
        return not self.faults


def grade_file(path: str, seeds: int = 10, say: Say = lambda message: None) -> Grade:
    """Grade the design in a file. Raises WrongInput or DesignError, each one sentence."""
    experiment = challenge_of(Path(path))
    return grade(experiment, _yours(experiment, path), range(FIRST_HIDDEN_SEED, FIRST_HIDDEN_SEED + seeds), say)


def _yours(experiment: Experiment[Any], path: str) -> Callable[[Any, Any], object]:
    known = set(experiment.designs)
    found = {name: d for name, d in with_design(experiment, path).designs.items() if name not in known}
    if len(found) != 1:
        raise WrongInput(f"{path} defines {len(found)} designs ({', '.join(found)}); a challenge takes one.")
    return next(iter(found.values()))


def grade(
    experiment: Experiment[Any],
    yours: Callable[[Any, Any], object],
    seeds: Sequence[int],
    say: Say = lambda message: None,
) -> Grade:
    """Grade a design. ``say`` hears {"failing": ...} as soon as a demand fails, and {"done": n, "of": m} on the way."""
    par = list(experiment.designs)[-1]
    joined = replace(experiment, designs={**experiment.designs, YOURS: yours}, module=experiment.module)
    trials = _trials(joined, par, seeds)
    held = dict.fromkeys(range(len(experiment.demands)), 0)
    asked = dict.fromkeys(range(len(experiment.demands)), 0)
    shown: dict[int, str] = {}
    failing: tuple[int, _Trial] | None = None
    ours: dict[str, float] = {}
    theirs: dict[str, float] = {}
    for number, trial in enumerate(trials):
        table = _table(joined, trial, par)
        if trial.quiet and not ours:
            ours, theirs = dict(table[YOURS]), dict(table[par])
        for index, demand in enumerate(experiment.demands):
            if not (trial.quiet or demand.always):
                continue
            asked[index] += 1
            if truth(demand.expression, table) is False:
                shown.setdefault(index, with_numbers(demand.expression, [table]))
                if failing is None:
                    failing = (index, trial)
                    say({"failing": demand.expression, "shown": shown[index], "seed": trial.seed})
            else:
                held[index] += 1
        say({"done": number + 1, "of": len(trials)})
    demands = [
        Demand(d.expression, d.because, "holds" if held[i] == asked[i] else "fails", held[i], asked[i], shown.get(i, ""))
        for i, d in enumerate(experiment.demands)
    ]
    case = _smallest(joined, experiment.demands[failing[0]], failing[1], par) if failing is not None else None
    return Grade(experiment.id, failing is None, demands, par, ours, theirs, case, len(trials))


def _trials(experiment: Experiment[Any], par: str, seeds: Sequence[int]) -> list[_Trial]:
    """Quick and quiet first: whoever waits for a verdict wants the first one soon."""
    quick, full = settings(experiment.params, experiment.quick), settings(experiment.params, {})
    usual = [_Trial(seed, quick, _own_faults(experiment, quick)) for seed in seeds]
    hostile = [
        _Trial(seed, quick, faults)
        for seed in seeds
        for faults in attacks(experiment, par, make(experiment.params, quick), quick, seed)
    ]
    return [*usual, *hostile, *(_Trial(seed, full, _own_faults(experiment, full)) for seed in seeds[:2])]


def _own_faults(experiment: Experiment[Any], params: Mapping[str, Any]) -> tuple[Fault, ...]:
    """The experiment's own faults are part of the question, so a trial with only these is a quiet one."""
    return ()


def _play(
    experiment: Experiment[Any],
    design: str,
    trial: _Trial,
    ops: list[Op] | None = None,
    faults: Sequence[Fault] | None = None,
) -> tuple[History, dict[str, float]]:
    params = make(experiment.params, trial.params)
    own = list(experiment.faults_for(params))
    history = drive(
        experiment,
        "sim",
        design,
        trial.seed,
        params,
        workload(experiment, params, trial.seed) if ops is None else ops,
        [*own, *(trial.faults if faults is None else faults)],
    )
    return history, measured(experiment, history, params)


def _table(experiment: Experiment[Any], trial: _Trial, par: str) -> dict[str, Mapping[str, float]]:
    table: dict[str, Mapping[str, float]] = {"params": trial.params, YOURS: _play(experiment, YOURS, trial)[1]}
    if trial.quiet:
        table[par] = _play(experiment, par, trial)[1]
    return table


def _smallest(experiment: Experiment[Any], demand: Claim, trial: _Trial, par: str) -> Case:
    """Take requests and faults away as long as the demand still fails."""
    params = make(experiment.params, trial.params)

    def fails(ops: list[Op], faults: Sequence[Fault]) -> bool:
        try:
            measures = _play(experiment, YOURS, trial, ops, faults)[1]
            table: dict[str, Mapping[str, float]] = {"params": trial.params, YOURS: measures}
            return truth(demand.expression, table) is False
        except Exception:
            return False  # another failure, not this one

    ops = workload(experiment, params, trial.seed)
    faults: list[Fault] = list(trial.faults)
    if fails(ops, faults):
        faults = minimise(faults, lambda left: fails(ops, left), tries=50)
        ops = minimise(ops, lambda left: fails(left, faults), tries=300)
        faults = minimise(faults, lambda left: fails(ops, left), tries=50)
    history, measures = _play(experiment, YOURS, trial, ops, faults)
    shown = {"params": trial.params, YOURS: measures}
    events = sorted(history, key=lambda e: (e.start, e.id))
    diagram = of_events(events)
    return Case(
        demand.expression,
        with_numbers(demand.expression, [shown]) if len(_named(demand)) == 1 else "",
        trial.seed,
        [_plain(e) for e in events],
        [asdict(f) for f in faults],
        diagram.text(),
        diagram.svg(),
    )


def _named(demand: Claim) -> list[str]:
    from windtunnel.lab.claims import speaks_of

    return speaks_of(demand.expression)


def _plain(event: Event) -> dict[str, Any]:
    found: dict[str, Any] = event._asdict()
    return {
        k: v if isinstance(v, int | float | str | bool) or v is None else [str(x) for x in v] if k == "args" else str(v)
        for k, v in found.items()
    }
