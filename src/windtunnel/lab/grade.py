"""Grade a design of the user's: on seeds it has not seen, with and without faults, beside the reference.

Demands are claims about "yours". Those marked ``always`` have to hold whatever goes wrong; the others only while
nothing does beyond the experiment's own faults. The first failure is shrunk to the fewest requests and faults.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from windtunnel.lab.adversary import attacks, listening
from windtunnel.lab.challenge import YOURS, challenge_of
from windtunnel.lab.claims import speaks_of, truth, with_numbers
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.outside import with_design
from windtunnel.lab.params import make, settings
from windtunnel.lab.stage import open_stage
from windtunnel.lab.trial import Case, Trial, play, shrink
from windtunnel.lab.work import workload

Say = Callable[[dict[str, Any]], object]
FIRST_HIDDEN_SEED = 7_001
"""Runs count seeds from 0; grading starts where nobody's experiments have been."""
FULL_TRIALS = 2
"""How many seeds are also tried at the experiment's full size."""


@dataclass(frozen=True, slots=True)
class Demand:
    """A demand, on how many trials it held, and its numbers in the first that failed."""

    expression: str
    because: str
    always: bool
    held: int
    trials: int
    shown: str

    @property
    def verdict(self) -> str:
        """Whether it held on every trial."""
        return "holds" if self.held == self.trials else "fails"


@dataclass(frozen=True, slots=True)
class Grade:
    """What came out. ``passed`` where every demand held on every trial."""

    experiment: str
    passed: bool
    trials: int
    demands: list[Demand]
    par: str
    measures: Mapping[str, float]
    par_measures: Mapping[str, float]
    failing: str = ""
    shown: str = ""
    case: Case | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain data, without what JSON cannot say."""
        case = self.case.to_dict() if self.case is not None else None
        found = asdict(replace(self, case=None)) | {"case": case}
        for shown, demand in zip(found["demands"], self.demands, strict=True):
            shown["verdict"] = demand.verdict
        for table in ("measures", "par_measures"):
            found[table] = {k: v if math.isfinite(v) else None for k, v in found[table].items()}
        return found


def grade_file(path: str, seeds: int = 10, say: Say = lambda message: None) -> Grade:
    """Grade the design in a file. Raises WrongInput or DesignError, each one sentence."""
    experiment = challenge_of(Path(path))
    found = [d for name, d in with_design(experiment, path).designs.items() if name not in experiment.designs]
    if len(found) != 1:
        raise WrongInput(f"{path} defines {len(found)} designs; a challenge takes one.")
    return grade(experiment, found[0], range(FIRST_HIDDEN_SEED, FIRST_HIDDEN_SEED + seeds), say)


def grade(
    experiment: Experiment[Any],
    yours: Callable[[Any, Any], object],
    seeds: Sequence[int],
    say: Say = lambda message: None,
) -> Grade:
    """Grade a design. ``say`` hears of the first failure at once, and of every trial that is done."""
    par = list(experiment.designs)[-1]
    joined = replace(experiment, designs={**experiment.designs, YOURS: yours}, module=experiment.module)
    quick, full = settings(experiment.params, experiment.quick), settings(experiment.params, {})
    tally = _Tally(experiment.demands, say, len(seeds) * 2 + min(FULL_TRIALS, len(seeds)))
    # Quick and quiet first: whoever waits for a verdict wants the first one soon.
    with listening() as timeouts_s:
        for seed in seeds:
            tally.take(Trial(seed, quick), joined, par)
    for seed in seeds:
        for faults in _attacks(joined, quick, timeouts_s, seed):
            tally.take(Trial(seed, quick, faults), joined, "")
    for seed in seeds[:FULL_TRIALS]:
        tally.take(Trial(seed, full), joined, par)
    case = None
    if tally.failing is not None:
        demand, trial = tally.failing
        # Shrinking takes requests away, so it suits what must never happen. A demand that something does happen fails
        # on an empty workload, and one that speaks of par is judged on whole trials.
        if demand.always and speaks_of(demand.expression) == [YOURS]:
            case = shrink(joined, YOURS, trial, lambda _, measures: _fails(demand, trial, measures))
    return tally.grade(experiment, par, case)


def _attacks(
    experiment: Experiment[Any], quick: Mapping[str, Any], timeouts_s: set[float], seed: int
) -> list[tuple[Any, ...]]:
    params = make(experiment.params, quick)
    stage = open_stage("sim", seed)
    experiment.designs[YOURS](stage, params)
    ops = workload(experiment, params, seed)
    # What a design waits for is noted as it comes, which for random waits is a different set for every seed.
    return attacks(stage.things, ops, sorted(timeouts_s)[:50], seed, count=1)


def _fails(demand: Claim, trial: Trial, measures: Mapping[str, float]) -> bool:
    return truth(demand.expression, {"params": trial.settings, YOURS: measures}) is False


class _Tally:
    """Counts, for each demand, the trials on which it held."""

    def __init__(self, demands: Sequence[Claim], say: Say, expected: int) -> None:
        self.demands = demands
        self.failing: tuple[Claim, Trial] | None = None
        self._say = say
        self._expected = expected
        self._held = [0] * len(demands)
        self._asked = [0] * len(demands)
        self._shown = [""] * len(demands)
        self._trials = 0
        self._first: dict[str, Mapping[str, float]] = {}

    def take(self, trial: Trial, experiment: Experiment[Any], par: str) -> None:
        """Play a trial and judge it; beside par where nothing is made to go wrong."""
        designs = [YOURS, par] if par else [YOURS]
        table: dict[str, Mapping[str, float]] = {name: play(experiment, name, trial)[1] for name in designs}
        if not self._first:
            self._first = dict(table)
        table["params"] = trial.settings
        for index, demand in enumerate(self.demands):
            if trial.faults and not demand.always:
                continue
            self._asked[index] += 1
            if truth(demand.expression, table) is not False:
                self._held[index] += 1
                continue
            if not self._shown[index]:
                self._shown[index] = with_numbers(demand.expression, [table])
            if self.failing is None:
                self.failing = (demand, trial)
                self._say({"failing": demand.expression, "shown": self._shown[index], "because": demand.because})
        self._trials += 1
        self._say({"done": self._trials, "of": max(self._trials, self._expected)})

    def grade(self, experiment: Experiment[Any], par: str, case: Case | None) -> Grade:
        """Everything counted, as a grade."""
        demands = [
            Demand(d.expression, d.because, d.always, held, asked, shown)
            for d, held, asked, shown in zip(self.demands, self._held, self._asked, self._shown, strict=True)
        ]
        index = self.demands.index(self.failing[0]) if self.failing is not None else -1
        return Grade(
            experiment.id,
            self.failing is None,
            self._trials,
            demands,
            par,
            self._first[YOURS],
            self._first[par],
            self.failing[0].expression if self.failing is not None else "",
            self._shown[index] if index >= 0 else "",
            case,
        )
