"""What is tried to refute an experiment: which runs, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Any

from windtunnel.lab.doubt.mutants import Mutant, as_data, mutants
from windtunnel.lab.doubt.ranges import beside, drawn, ends, rows
from windtunnel.lab.doubt.trials import Trial
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.params import describe, settings

Given = Mapping[str, Any]
CONFIRMING_SEEDS = 4
"""At least, where a claim is wrong in a setting on its one seed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How much is tried.

    Attributes:
        first: the first of the fresh seeds, which follow one another.
        seeds: fresh seeds at the size of the tests.
        full_seeds: fresh seeds at the defaults; 0 leaves the defaults out.
        random_settings: settings drawn at random, beside the ends of every parameter.
        statements: whether each place of the designs' code is changed in turn.
    """

    first: int
    seeds: int = 200
    full_seeds: int = 40
    random_settings: int = 20
    statements: bool = True


class Plan:
    """The trials, by what they are for. Batches have as many seeds as a run of the experiment has.

    Attributes:
        usual: the run that everybody sees first, where the defaults are tried.
        original, look: the unchanged experiment at the test size, on as many seeds and on one.
        ends: every parameter at both of its ends, the others as in the tests.
        fresh, full: batches of fresh seeds at the test size and at the defaults.
        those: the mutants.
    """

    def __init__(self, experiment: Experiment[Any], asked: Asked, file: str = "") -> None:
        self.experiment = experiment
        self.asked = asked
        self.file = file
        size, first = experiment.seeds, asked.first
        self.usual = self._trial(range(size), False)
        self.original = self._trial(range(first, first + size), True)
        self.look = self._trial(range(first, first + 1), True)
        self.fresh = self._batches(asked.seeds, True)
        self.full = self._batches(asked.full_seeds, False)
        self.quick = settings(experiment.params, experiment.quick)
        self.ends: list[tuple[Given, Trial]] = [
            self._setting({one.name: end})
            for one in describe(experiment.params)
            for end in ends(one)
            if end != self.quick[one.name]
        ]
        self.those: Sequence[Mutant] = [m for m in mutants(experiment) if m.by or asked.statements]

    def first_trials(self) -> list[Trial]:
        """What the rest is compared with, and what tells how large a setting can be."""
        return [self.look, self.original, *(trial for _, trial in self.ends)]

    def further_settings(self, too_large: Sequence[Given]) -> list[tuple[Given, Trial]]:
        """Values beside the ends, ends together, and settings at random, none of them as large as those given."""
        known = describe(self.experiment.params)
        taken = {one.name: [end for end in ends(one) if {one.name: end} not in too_large] for one in known}
        names = list(self.experiment.designs)
        found: list[tuple[Given, Trial]] = []
        singles: list[Given] = [{one.name: value} for one in known for value in beside(one, taken[one.name])]
        luck_of = self.asked.first
        for place, given in enumerate(singles):  # they look for crashes: a design each will do
            found.append((given, self._trial(self.look.seeds, True, params=given, designs=[names[place % len(names)]])))
        together = rows({name: values or [self.quick[name]] for name, values in taken.items()}, luck_of)
        random = drawn(known, self.quick, taken, self.asked.random_settings, luck_of)
        seen = [given for given, _ in (*self.ends, *found)]
        for given in (*together, *random):
            if given not in seen:
                found.append(self._setting(given))
                seen.append(given)
        return found

    def at_random(self, count: int) -> list[dict[str, Any]]:
        """Settings at random over the whole of each range."""
        known = describe(self.experiment.params)
        return drawn(known, self.quick, {one.name: ends(one) for one in known}, count, self.asked.first)

    def look_at(self, mutant: Mutant) -> Trial:
        """A mutant on one seed: most break something there, or do the same as the original."""
        return self._trial(self.look.seeds, True, mutant=as_data(mutant))

    def in_full(self, mutant: Mutant) -> Trial:
        """A mutant on as many seeds as a run has."""
        return self._trial(self.original.seeds, True, mutant=as_data(mutant))

    def elsewhere(self, mutant: Mutant, given: Sequence[Given]) -> Trial:
        """A mutant that does the same at the test size, in other settings."""
        return self._trial(self.look.seeds, True, mutant=as_data(mutant), elsewhere=list(given))

    def confirming(self, given: Given, which: int) -> Trial:
        """A setting in which something was wrong once, on other seeds."""
        size = max(self.experiment.seeds, CONFIRMING_SEEDS)
        first = self.asked.first + 1 + which * size
        return self._trial(range(first, first + size), True, params=given)

    def _setting(self, given: Given) -> tuple[Given, Trial]:
        return given, self._trial(self.look.seeds, True, params=given)

    def _trial(self, seeds: Sequence[int], quick: bool, **options: Any) -> Trial:
        return Trial(self.experiment.module, self.file, seeds=list(seeds), quick=quick, **options)

    def _batches(self, count: int, quick: bool) -> list[Trial]:
        """Whole ones, of as many seeds as a run has: at least `count` seeds in all."""
        size, first = max(1, min(self.experiment.seeds, count)), self.asked.first
        return [self._trial(range(first + i, first + i + size), quick) for i in range(0, count, size)]


def in_turns(*kinds: Sequence[Trial]) -> list[Trial]:
    """One of each kind after the other, so that none waits for the end of another when time is short."""
    return [one for one in chain.from_iterable(zip_longest(*kinds)) if one is not None]
