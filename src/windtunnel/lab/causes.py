"""A run that fails, to be asked why: what would have come of it with other luck, or with something left out.

The answers are exact because luck belongs to (seed, component, request): what lies before a moment can be kept while
the rest is drawn anew (`windtunnel.lab.no_return`), and what is taken away changes nothing for what is left
(`windtunnel.lab.blame`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from windtunnel.lab.claims import Table, check, speaks_of, truth
from windtunnel.lab.errors import DesignError, WrongInput
from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.footing import choose
from windtunnel.lab.notes import Notes, key_of
from windtunnel.lab.params import make, settings
from windtunnel.lab.run import Progress, perform
from windtunnel.lab.running.work import Done, Job, workload


class OutOfTime(Exception):
    """The time that was given is over. What was run is noted."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a changed run: the claim's table, messages sent where they were counted, those that were lost.

    There is no table where the design raised what is no outcome: a design may not be made for what was taken away.
    """

    table: Table | None
    sent: int
    lost: Sequence[str]


@dataclass(slots=True)
class Case:
    """A design that fails with a seed, by a claim. See `case_of`.

    Attributes:
        others: what the claim knows beside the design's own measurements.
        notes: what is known of runs, from an earlier call that was stopped too.
        until: on the monotonic clock, after which no run is begun.
        runs: how many runs were asked for, each counted once.
    """

    experiment: Experiment[Any]
    design: str
    seed: int
    claim: Claim
    params: dict[str, Any]
    jobs: int | None = None
    progress: Progress | None = None
    others: Table = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)
    until: float = math.inf
    _asked: set[str] = field(default_factory=set)

    @property
    def runs(self) -> int:
        return len(self._asked)

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

    def run(self, todo: Sequence[Job]) -> list[Ran]:
        """What comes of each. Those that are not known yet are run side by side. Raises OutOfTime."""
        keys = [key_of(job) for job in todo]
        self._asked.update(keys)
        new = {key: job for key, job in zip(keys, todo, strict=True) if key not in self.notes.known}
        if new:
            self._perform(list(new.values()))
        known = [self.notes.known[key] for key in keys]
        return [
            Ran(None if measures is None else {**self.others, self.design: measures}, sent, lost)
            for measures, sent, lost in known
        ]

    def _perform(self, todo: list[Job]) -> None:
        if time.monotonic() > self.until:
            raise OutOfTime

        def note(job: Job, done: Done) -> None:
            self.notes.add(key_of(job), (done.measures, done.sent, done.lost))
            if time.monotonic() > self.until:
                raise OutOfTime

        try:
            perform(self.experiment, "", self.experiment, "sim", todo, self.jobs, self.progress, note)
        except DesignError:  # of which of them it does not say
            if len(todo) == 1:
                self.notes.add(key_of(todo[0]), (None, 0, [""] * len(todo[0].without)))
                return
            for job in todo:
                if key_of(job) not in self.notes.known:
                    self._perform([job])

    def measure(self, todo: Sequence[Job]) -> list[Table | None]:
        """As `run`; a table each, with the other designs of the claim as they were."""
        return [one.table for one in self.run(todo)]

    def fail(self, tables: Sequence[Table | None]) -> list[bool]:
        """Which fail. What cannot be told has not."""
        return [one is not None and truth(self.claim.expression, one) is self.fails_when for one in tables]

    def saved(self, tables: Sequence[Table | None]) -> list[bool]:
        """Which do not fail. What cannot be told is none of them."""
        return [one is not None and truth(self.claim.expression, one) is (not self.fails_when) for one in tables]


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
        told = truth(claim.expression, base)
        held = "cannot be told" if told is None else "holds" if told else "does not hold"
        raise WrongInput(f"{design} does not fail with seed {seed}: {claim.expression} {held}; take another seed.")
    return case
