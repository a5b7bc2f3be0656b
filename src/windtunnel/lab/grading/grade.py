"""Grade a design of the user's: on seeds it has not seen, with and without faults, beside the reference.

Demands are claims about "yours". Those marked `always` have to hold whatever goes wrong; the others only while
nothing does beyond the experiment's own faults. The first failure is shrunk to the fewest requests and faults.

What is measured on this machine is graded on it: a seed is a repetition, nothing is made to go wrong, and nothing is
shrunk. A demand that compares yours with the reference, which was measured at another moment, is tried again where it
is not met, and fails where it does each time. One that the machine did not let anybody measure is tried again too, and
where that does not help not judged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

from windtunnel.lab.claims import ClaimError, applies, speaks_of, truth, with_numbers
from windtunnel.lab.diagram import WIDTH
from windtunnel.lab.errors import DesignError
from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.grading.adversary import attacks
from windtunnel.lab.grading.challenge import YOURS, demanding, reference
from windtunnel.lab.grading.player import Bench, Here
from windtunnel.lab.grading.trial import Breaks, Broken, Case, Trial, Unreported, offending, shrink
from windtunnel.lab.judge import why_not
from windtunnel.lab.params import make, settings
from windtunnel.lab.running.outcomes import UNREPORTED
from windtunnel.lab.running.work import workload

Say = Callable[[dict[str, Any]], object]
FIRST_HIDDEN_SEED = 7_001
"""Runs count seeds from 0; grading starts where nobody's experiments have been."""
FULL_TRIALS = 2
"""How many seeds are also tried at the experiment's full size."""
ATTACKED_REQUESTS = 1_500
"""About how many requests of a seed are sent under attack: small runs are attacked more often than large ones."""
MOST_ATTACKS = 50
"""On one seed."""
COMPARED_REQUESTS, COMPARED_RUNS = 20_000, 6
"""How many requests may be sent again to find a case where the reference does better: so many, or whole runs."""
MOST_UNJUDGED = 0.05
"""Share of the trials that may end without a verdict; one may always."""
TRIES = 3
"""Of a trial that is measured on this machine, where a demand is not met or cannot be measured."""
LARGEST_CASE = 30
"""Requests and faults that a person still looks at."""


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
    """What came out. `passed` where every demand held on every trial on which it was judged, and hardly one was not.

    Attributes:
        par_measures: of the reference in the first trial; empty where no demand spoke of it and the grade was brief.
        unjudged: trials that no demand could be judged on, since nobody could tell what was left after the faults. More
            than one in twenty of them is no pass.
        why: the sentence that says why it did not pass.
    """

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
    unjudged: int = 0
    why: str = ""

    def to_dict(self, width: int = WIDTH) -> dict[str, Any]:
        """As plain data, without what JSON cannot say; the case's diagram as text is so many columns wide."""
        case = self.case.to_dict(width) if self.case is not None else None
        found = asdict(replace(self, case=None)) | {"case": case}
        for shown, demand in zip(found["demands"], self.demands, strict=True):
            shown["verdict"] = demand.verdict
            shown["judged"] = f"judged on {demand.trials} of {self.trials + self.unjudged} trials"
        for table in ("measures", "par_measures"):
            found[table] = {k: v if math.isfinite(v) else None for k, v in found[table].items()}
        return found


def grade_file(path: str, seeds: int = 10, say: Say = lambda message: None) -> Grade:
    """Grade the design in a file, in this process. Raises WrongInput or DesignError, each one sentence."""
    from windtunnel.lab.grading.loaded import joined

    experiment = joined(path)
    return grade(experiment, experiment.designs[YOURS], range(FIRST_HIDDEN_SEED, FIRST_HIDDEN_SEED + seeds), say)


def grade(
    experiment: Experiment[Any],
    yours: Callable[[Any, Any], object],
    seeds: Sequence[int],
    say: Say = lambda message: None,
) -> Grade:
    """Grade a design. `say` hears of the first failure at once, and of every trial that is done."""
    designs = {name: made for name, made in experiment.designs.items() if name != YOURS}
    alone = replace(experiment, designs=designs, module=experiment.module)
    with_it = replace(experiment, designs={**designs, YOURS: yours}, module=experiment.module)
    return grade_on(Bench(alone, Here(with_it)), seeds, say)


def grade_on(bench: Bench, seeds: Sequence[int], say: Say = lambda message: None, brief: bool = False) -> Grade:
    """Grade the design that a bench's player plays.

    Args:
        brief: leave off with the first trial that fails, look for no case, and measure the reference only where a
            demand speaks of it.
    """
    experiment = demanding(bench.experiment)
    par = reference(experiment)
    quick, full = settings(experiment.params, experiment.quick), settings(experiment.params, {})
    others = _settings_of(experiment)
    count = len(seeds) * (1 + len(others) + _attacks_on(experiment, quick, seeds[0])) + min(FULL_TRIALS, len(seeds))
    tally = _Tally(experiment.demands, say, count, compares=not brief)

    def trials() -> Iterator[tuple[Trial, str, dict[str, Any] | None]]:
        # Quick and quiet first: whoever waits for a verdict wants the first one soon.
        for seed in seeds:
            yield Trial(seed, quick), par, None
            for given in others:
                yield Trial(seed, quick | given), par, given
        for seed in seeds:
            for trial in _attacked(bench, quick, seed):
                yield trial, "", None
        for seed in seeds[:FULL_TRIALS]:
            yield Trial(seed, full), par, None

    for trial, beside, given in trials():
        met: set[int] = set()
        for left in range(TRIES - 1 if experiment.measured else 0, -1, -1):
            if not tally.take(trial, bench, beside, given, met, final=left == 0):
                break
        if brief and tally.failing is not None:
            break
    case = None
    if tally.failing is not None and not brief and not experiment.measured:
        case = _smallest(bench, *tally.failing, par)
    return tally.grade(experiment, par, case)


def _settings_of(experiment: Experiment[Any]) -> list[dict[str, Any]]:
    """The settings, beside the usual one, that some demand is made in."""
    found: list[dict[str, Any]] = []
    for demand in experiment.demands:
        if demand.given and dict(demand.given) not in found:
            found.append(dict(demand.given))
    return found


def _attacked(bench: Bench, quick: Mapping[str, Any], seed: int, count: int | None = None) -> list[Trial]:
    """The trials of a seed in which things go wrong for a design; more of them the fewer requests there are."""
    if count is None:
        count = _attacks_on(bench.experiment, quick, seed)
    if not count:
        return []
    return [Trial(seed, quick, faults) for faults in attacks(bench.player.rehearse(quick, seed), seed, count)]


def _attacks_on(experiment: Experiment[Any], quick: Mapping[str, Any], seed: int) -> int:
    if experiment.measured:
        return 0
    asked = len(workload(experiment, make(experiment.params, quick), seed))
    return max(1, min(MOST_ATTACKS, ATTACKED_REQUESTS // max(asked, 1)))


@dataclass(frozen=True, slots=True)
class Found:
    """The first trial that breaks a demand, after how many trials on how many seeds, and its smallest case."""

    demand: Claim
    seeds: int
    trials: int
    case: Case


def hunt(
    experiment: Experiment[Any],
    yours: Callable[[Any, Any], object],
    seeds: Sequence[int],
    count: int | None = None,
) -> Found | None:
    """Search seed by seed, first in quiet and then under attack, until a demand fails; None where none does.

    Args:
        count: attacks on each seed; as many as grading makes where None.
    """
    with_it = replace(experiment, designs={**experiment.designs, YOURS: yours}, module=experiment.module)
    bench = Bench(experiment, Here(with_it))
    quick = settings(experiment.params, experiment.quick)
    trials = 0
    for number, seed in enumerate(seeds, 1):
        for trial in _of_seed(bench, quick, seed, count):
            trials += 1
            measures = bench.play(YOURS, trial)[1]
            for demand in experiment.demands:
                if (demand.always or not trial.faults) and _fails(demand, trial, measures):
                    case = shrink(experiment, bench.play, YOURS, trial, _breaking(demand, trial))
                    return Found(demand, number, trials, case)
    return None


def _of_seed(bench: Bench, quick: Mapping[str, Any], seed: int, count: int | None) -> Iterator[Trial]:
    yield Trial(seed, quick)
    yield from _attacked(bench, quick, seed, count)


def _fails(demand: Claim, trial: Trial, measures: Mapping[str, float]) -> bool:
    if not applies(demand.where, trial.settings):
        return False
    return truth(demand.expression, {"params": trial.settings, YOURS: measures}) is False


def _breaking(demand: Claim, trial: Trial) -> Broken:
    return lambda table: _fails(demand, trial, table[YOURS])


def _smallest(bench: Bench, demand: Claim, trial: Trial, par: str) -> Case | None:
    """The smallest case that breaks a demand, with its sentence; None where that is too large to be looked at."""
    experiment = bench.experiment
    broken, beside, requests = _breaking(demand, trial), list[str](), math.inf
    if not demand.always or speaks_of(demand.expression) != [YOURS]:
        # What has to happen happens on no empty workload, so the reference has to do on the case what yours does not.
        asked = len(workload(experiment, make(experiment.params, trial.settings), trial.seed))
        beside, requests = [par], max(COMPARED_REQUESTS, COMPARED_RUNS * asked)

        def broken(table: Mapping[str, Mapping[str, float]]) -> bool:
            told = {**table, "params": trial.settings}
            mine, theirs = (truth(demand.expression, {**told, YOURS: table[name]}) for name in (YOURS, par))
            return mine is False and theirs is True

    try:
        case = shrink(experiment, bench.play, YOURS, trial, broken, beside=beside, most_requests=requests)
    except ValueError:
        return None  # the reference fails there as well
    if case.size > LARGEST_CASE:
        return None
    table = {YOURS: case.measures, "params": trial.settings}
    others = {name: bench.play(name, trial, case.ops, case.faults)[1] for name in beside}
    table |= others
    sentence = f"{demand.expression} fails, {with_numbers(demand.expression, [table])}: {demand.because}"
    ways: list[Breaks] = [lambda mine: broken({**others, YOURS: mine})]
    ways += [partial(_fails, one, trial) for one in experiment.demands if speaks_of(one.expression) == [YOURS]]
    blamed = (offending(experiment, YOURS, trial, case, breaks) for breaks in ways)
    return replace(case, sentence=sentence, offending=next(filter(None, blamed), ()))


class _Tally:
    """Counts, for each demand, the trials on which it held.

    Args:
        compares: whether the first trial is shown beside that of the reference, also where no demand speaks of it.
    """

    def __init__(self, demands: Sequence[Claim], say: Say, expected: int, *, compares: bool) -> None:
        self.demands = demands
        self.compares = compares
        self.failing: tuple[Claim, Trial] | None = None
        self._say = say
        self._expected = expected
        self._held = [0] * len(demands)
        self._asked = [0] * len(demands)
        self._shown = [""] * len(demands)
        self._disturbed = [""] * len(demands)
        self._trials = 0
        self.unjudged = 0
        self._first: dict[str, Mapping[str, float]] = {}

    def take(
        self, trial: Trial, bench: Bench, par: str, given: Mapping[str, Any] | None, met: set[int], *, final: bool
    ) -> bool:
        """Play a trial and judge it; beside par where nothing is made to go wrong.

        Args:
            given: what is otherwise than usual: the demands that are made in that setting are judged.
            met: the demands that were met by this trial before, by their place; more are added.
            final: whether what is not met now fails; else it may be tried again.

        Returns:
            Whether another try may say more.
        """
        try:
            history, measures = bench.play(YOURS, trial)
        except DesignError as error:
            # Requests may meet lost connections; only start and report cannot, and start comes before any fault. A
            # report that cannot be had (a broken connection, a lock whose owner has vanished) says nothing.
            if not trial.faults or not isinstance(error, Unreported):
                raise
            self.unjudged += 1
            self._say({"done": self._trials + self.unjudged, "of": self._expected})
            return False
        facts = history.facts
        table: dict[str, Mapping[str, float]] = {YOURS: measures, "params": trial.settings}
        unjudged = again = False
        for index, demand in enumerate(self.demands):
            if index in met or (trial.faults and not demand.always) or not applies(demand.where, trial.settings):
                continue
            if dict(demand.given) != dict(given or {}):
                continue
            named = speaks_of(demand.expression)
            if par in named and par not in table:  # not before: what is wrong with yours alone is told first
                table[par] = bench.play(par, trial)[1]
            if any(name not in table for name in named):
                continue
            try:
                holds = truth(demand.expression, table) is True
                if not holds and (why := why_not(demand.expression, [table])):
                    self._disturbed[index] = why
                    again = True
                    continue
            except ClaimError:
                if UNREPORTED not in facts:
                    raise
                unjudged = True
                continue
            if not holds and not final and par in named:  # the two were measured one after the other
                again = True
                continue
            self._asked[index] += 1
            # What cannot be told was not shown: who answers nobody has no p99, and does not pass by it.
            if holds:
                self._held[index] += 1
                met.add(index)
                continue
            if not self._shown[index]:
                self._shown[index] = with_numbers(demand.expression, [table])
            if self.failing is None:
                self.failing = (demand, trial)
                self._say({"failing": demand.expression, "shown": self._shown[index], "because": demand.because})
        if not self._first:
            if par and par not in table and self.compares:
                table[par] = bench.play(par, trial)[1]
            self._first = {name: table[name] for name in (YOURS, par) if name in table}
        self.unjudged += unjudged
        self._trials += not unjudged
        done = self._trials + self.unjudged
        self._say({"done": done, "of": max(done, self._expected)})
        return again

    def grade(self, experiment: Experiment[Any], par: str, case: Case | None) -> Grade:
        """Everything counted, as a grade."""
        demands = [
            Demand(d.expression, d.because, d.always, held, asked, shown)
            for d, held, asked, shown in zip(self.demands, self._held, self._asked, self._shown, strict=True)
        ]
        index = self.demands.index(self.failing[0]) if self.failing is not None else -1
        sentence = ""
        if self.failing is not None:
            demand = self.failing[0]
            sentence = f"{demand.expression} fails, {self._shown[index]}: {demand.because.rstrip('.')}."
            if case is None and not experiment.measured:
                sentence += f" It shows on seed {self.failing[1].seed}."
        elif self.unjudged > max(1, MOST_UNJUDGED * (self._trials + self.unjudged)):
            sentence = (
                f"{self.unjudged} of {self._trials + self.unjudged} trials could not be judged: after the faults no "
                f"report could be had. More than {MOST_UNJUDGED:.0%} is no pass."
            )
        elif experiment.measured:
            never = [i for i, asked in enumerate(self._asked) if not asked and self._disturbed[i]]
            if never:
                sentence = (
                    f"{self.demands[never[0]].expression} is not measurable here, because {self._disturbed[never[0]]}: "
                    "that is no pass, and no failure."
                )
        return Grade(
            experiment.id,
            not sentence,
            self._trials,
            demands,
            par,
            self._first[YOURS],
            self._first.get(par, {}),
            self.failing[0].expression if self.failing is not None else "",
            self._shown[index] if index >= 0 else "",
            case,
            self.unjudged,
            sentence,
        )
