"""Why a run failed: the moment from which on no luck could have saved it, and what it would not have failed without.

Both are exact because luck belongs to (seed, component, request): what lies before a moment can be kept while the rest
is drawn anew, and what is taken away changes nothing for what is left.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import isnan, nan, sqrt
from typing import Any

from windtunnel.lab.claims import Table, check, speaks_of, truth, value
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.footing import choose
from windtunnel.lab.grading.minimise import minimise
from windtunnel.lab.history import Op
from windtunnel.lab.params import make, settings
from windtunnel.lab.run import Progress, perform
from windtunnel.lab.running.work import Job, faults_of, workload
from windtunnel.sim.fault import Fault
from windtunnel.sim.randomness import derive

MOST_RUNS = 240
"""For the point of no return."""
FUTURES = 60
"""At the two moments that bracket it."""
FEW, MORE = 8, 20
"""At a moment on the way there; more where the few are divided."""
WITHIN_S = 0.04
MOST_TRIES = 120
"""For the blame."""
ABREAST = 4
"""Parts of the requests that are halved further at a time."""
PIECES = 8
"""Into which the least part is cut at last, so that nothing of it is blamed in vain."""
Thing = tuple[Any, ...]
"""As in `Job.without`."""
Without = Sequence[Thing]


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the futures after a moment fail."""

    at_s: float
    futures: int
    failing: int

    @property
    def share(self) -> float:
        return self.failing / self.futures

    def interval(self) -> tuple[float, float]:
        """Of 95 % (Wilson, *Probable Inference*, 1927)."""
        n, p, z = self.futures, self.share, 1.96
        middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))


@dataclass(frozen=True, slots=True)
class NoReturn:
    """From when on at least half of all futures fail.

    Attributes:
        low_s, high_s: seconds between which one half is crossed; both 0 where it is from the beginning.
        curve: shares by moment.
    """

    low_s: float
    high_s: float
    curve: list[Share]
    runs: int


@dataclass(frozen=True, slots=True)
class Effect:
    """What taking one thing away did: whether the run still fails, and by how much the claim's sides moved."""

    what: str
    fails: bool
    moved: float


@dataclass(frozen=True, slots=True)
class Blame:
    """What the run would not have failed without.

    Attributes:
        effects: of each thing alone, the largest first; those that save the run before all others.
        enough: a smallest set whose absence saves the run: nothing of it can be put back. Empty where none was found.
    """

    effects: list[Effect]
    enough: list[str]
    runs: int


@dataclass(slots=True)
class Case:
    """A design that fails with a seed, by a claim. See `case_of`."""

    experiment: Experiment[Any]
    design: str
    seed: int
    claim: Claim
    params: dict[str, Any]
    jobs: int | None = None
    progress: Progress | None = None
    others: Table = field(default_factory=dict)

    @property
    def fails_when(self) -> bool:
        """A claim that breaks the design holds where it fails; of every other one the opposite."""
        return self.claim.breaks == self.design

    def ends_s(self) -> float:
        """The last second at which luck can count."""
        params = make(self.experiment.params, self.params)
        if self.experiment.ends_s is not None:
            return self.experiment.ends_s(params)
        return max((op.at for op in workload(self.experiment, params, self.seed)), default=0.0)

    def job(self, **changes: Any) -> Job:
        """The failed run, changed."""
        return replace(Job("sim", self.design, self.seed, 0, self.params), **changes)

    def measure(self, todo: Sequence[Job]) -> list[Table]:
        """Run them, side by side; a table each, with the other designs of the claim as they were."""
        done = perform(self.experiment, "", self.experiment, "sim", list(todo), self.jobs, self.progress)
        return [{**self.others, self.design: one.measures} for one in done]

    def fail(self, tables: Sequence[Table]) -> list[bool]:
        """Which fail. What cannot be told has not."""
        return [truth(self.claim.expression, one) is self.fails_when for one in tables]


def case_of(
    experiment: Experiment[Any],
    design: str,
    seed: int,
    claim: Claim,
    *,
    quick: bool = False,
    jobs: int | None = None,
    progress: Progress | None = None,
    params: Mapping[str, object] | None = None,
) -> Case:
    """A run that fails, by a claim.

    Args:
        claim: its own setting holds, but for `params`.

    Raises:
        WrongInput: the claim does not speak of the design, or the run does not fail.
    """
    experiment.choose([design])
    check(claim.expression, experiment.designs)
    named = speaks_of(claim.expression)
    if design not in named:
        raise WrongInput(f"The claim {claim.expression!r} does not speak of {design}; take one that does.")
    choose(experiment.id, experiment.stages, "sim", None)
    given = settings(experiment.params, {**(experiment.quick if quick else {}), **claim.given, **(params or {})})
    case = Case(experiment, design, seed, claim, given, jobs, progress)
    todo = [replace(case.job(), design=name) for name in named]
    done = perform(experiment, "", experiment, "sim", todo, jobs, progress)
    base: dict[str, Any] = {"params": given}
    base |= {name: one.measures for name, one in zip(named, done, strict=True)}
    case.others = {name: row for name, row in base.items() if name != design}
    if case.fail([base]) != [True]:
        held = "holds" if case.fails_when is False else "does not hold"
        raise WrongInput(f"{design} does not fail with seed {seed}: {claim.expression} {held}; take another seed.")
    return case


def point_of_no_return(case: Case) -> NoReturn:
    """Keep the luck up to a moment, draw the rest anew, and find when half of all futures fail.

    The futures of two moments have the same new luck, so that they differ in the moment alone. At most `MOST_RUNS`
    runs; at the two moments that bracket one half there are `FUTURES` each.
    """
    known: dict[float, list[bool]] = {}

    def ask(at_s: float, futures: int) -> float:
        have = known.setdefault(at_s, [])
        seeds = [derive(case.seed, "future", i) for i in range(len(have), futures)]
        todo = [case.job(turn_s=at_s, turn_seed=seed) for seed in seeds]
        have += case.fail(case.measure(todo)) if todo else []
        return sum(have) / len(have)

    low, high = 0.0, case.ends_s()
    if ask(low, FEW) >= 0.5 and ask(low, FUTURES) >= 0.5:
        high = low
    while high - low > WITHIN_S:
        middle = round((low + high) / 2, 6)
        share = ask(middle, FEW)
        if 0.3 < share < 0.7:
            share = ask(middle, MORE)
        if share >= 0.5:
            high = middle
        else:
            low = middle
    step = high - low
    while high > low and sum(map(len, known.values())) <= MOST_RUNS - FUTURES:
        # A few futures may have been wrong about a moment: then the bracket moves, and stays as narrow.
        if ask(low, FUTURES) >= 0.5 and low > 0:
            low, high = max(0.0, round(low - step, 6)), low
        elif ask(high, FUTURES) < 0.5:
            low, high = high, round(high + step, 6)
        else:
            break
    curve = [Share(at_s, len(told), sum(told)) for at_s, told in sorted(known.items())]
    return NoReturn(low, high, curve, sum(share.futures for share in curve))


def blame(case: Case) -> Blame:
    """Take away each fault alone, then look for a smallest set of faults, or else of requests, that saves the run.

    Requests are searched by halving: of those in a row, which part alone would have been enough to take away?
    """
    faults = faults_of(case.experiment, make(case.experiment.params, case.params))
    ops = workload(case.experiment, make(case.experiment.params, case.params), case.seed)
    runs = 0

    def without(parts: Sequence[Without]) -> list[Table]:
        nonlocal runs
        runs += len(parts)
        return case.measure([case.job(without=list(part)) for part in parts])

    def saved(parts: Sequence[Without]) -> list[bool]:
        return [truth(case.claim.expression, table) is (not case.fails_when) for table in without(parts)]

    every: list[Thing] = [("fault", i) for i in range(len(faults))]
    base, *tables = without([[], *([one] for one in every)])
    effects = [
        Effect(when(fault), fails, _moved(case.claim.expression, base, table))
        for fault, fails, table in zip(faults, case.fail(tables), tables, strict=True)
    ]
    effects.sort(key=lambda one: (one.fails, -abs(one.moved) if not isnan(one.moved) else 0.0))
    enough: list[Thing] = []
    if every and saved([every])[0]:
        enough = minimise(every, lambda part: saved([part])[0], tries=MOST_TRIES - runs)
        return Blame(effects, [when(faults[one[1]]) for one in enough], runs)
    spans = [(0, len(ops))]
    least: tuple[int, int] | None = None
    while spans and runs < MOST_TRIES - 4 * PIECES:
        halves = [part for a, b in spans if b - a > 1 for part in ((a, (a + b) // 2), ((a + b) // 2, b))]
        told = saved([[_span(ops, a, b)] for a, b in halves])
        spans = [part for part, yes in zip(halves, told, strict=True) if yes][:ABREAST]
        least = spans[0] if spans else least
    if least is None:
        return Blame(effects, [], runs)
    a, b = least
    cuts = sorted({a + (b - a) * i // PIECES for i in range(PIECES + 1)})
    pieces = [_span(ops, first, last) for first, last in pairwise(cuts)]
    enough = minimise(pieces, lambda part: saved([part])[0], tries=MOST_TRIES - runs)
    due = {op.id: op.at for op in ops}
    return Blame(effects, [_said(one, due) for one in enough], runs)


def when(fault: Fault) -> str:
    """A fault, and when it lasts."""
    return f"{fault}, at {fault.at_s:g} s" + ("" if fault.for_s is None else f" for {fault.for_s:g} s")


def _span(ops: Sequence[Op], first: int, last: int) -> Thing:
    return ("request", ops[first].id, ops[last - 1].id)


def _said(one: Thing, due: Mapping[int, float]) -> str:
    first, last = one[1], one[2]
    if first == last:
        return f"request {first}, due at {due[first]:.6g} s"
    return f"requests {first} to {last}, due from {due[first]:.6g} to {due[last]:.6g} s"


def _moved(expression: str, base: Table, other: Table) -> float:
    """By how much the left side of the first comparison has moved against its right side."""
    import ast

    from windtunnel.lab.claims import parse

    for node in ast.walk(parse(expression)):
        if isinstance(node, ast.Compare):
            left, right = ast.unparse(node.left), ast.unparse(node.comparators[0])
            gaps = [value(left, table) - value(right, table) for table in (base, other)]
            return gaps[1] - gaps[0]
    return nan
