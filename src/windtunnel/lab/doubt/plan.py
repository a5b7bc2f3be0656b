"""What is tried to refute an experiment: which runs, in which order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from windtunnel.lab.doubt.mutants import Mutant, as_data, mutants
from windtunnel.lab.doubt.trials import Trial
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.params import Param, describe, settings

SETTING_SEEDS = 2


@dataclass(frozen=True, slots=True)
class Asked:
    """How much is tried.

    Attributes:
        first: the first of the fresh seeds, which follow one another.
        seeds: fresh seeds at the size of the tests.
        full_seeds: fresh seeds at the defaults; 0 leaves the defaults out.
        random_settings: settings drawn at random, beside both ends of every parameter.
        statements: whether each statement of the designs is left out in turn.
    """

    first: int
    seeds: int = 200
    full_seeds: int = 40
    random_settings: int = 20
    statements: bool = True


@dataclass
class Plan:
    """The trials, by what they are for. Batches have as many seeds as a run of the experiment has."""

    usual: Trial
    """The run that everybody sees first, where the defaults are tried."""
    fresh: list[Trial]
    full: list[Trial]
    settings: Sequence[tuple[Mapping[str, Any], Trial]]
    looks: Sequence[tuple[Mutant, Trial]]
    """Each mutant on one seed: most break something there, or do the same as the original."""
    mutants: Sequence[tuple[Mutant, Trial]]
    """The same on as many seeds as a run has, for those that are left."""
    look: Trial
    original: Trial

    def trials(self) -> Iterator[Trial]:
        """All but `mutants`, in the order in which findings come soonest."""
        yield from (self.look, self.original)
        yield from (trial for _, trial in self.settings)
        yield from (trial for _, trial in self.looks)
        yield from self.fresh
        if self.full:
            yield self.usual
            yield from self.full


def planned(experiment: Experiment[Any], asked: Asked, file: str = "") -> Plan:
    """Everything that is to be tried."""
    size, first = experiment.seeds, asked.first

    def trial(seeds: range, quick: bool, **options: Any) -> Trial:
        return Trial(experiment.module, file, seeds=list(seeds), quick=quick, **options)

    def batches(count: int, quick: bool) -> list[Trial]:
        return [trial(range(first + i, first + i + size), quick) for i in range(0, count - size + 1, size)]

    tried = range(first, first + SETTING_SEEDS)
    found = [(given, trial(tried, True, params=given)) for given in given_settings(experiment, asked)]
    those = [m for m in mutants(experiment) if m.by or asked.statements]
    same = range(first, first + size)
    return Plan(
        trial(range(size), False),
        batches(asked.seeds, True),
        batches(asked.full_seeds, False),
        found,
        [(m, trial(same[:1], True, mutant=as_data(m))) for m in those],
        [(m, trial(same, True, mutant=as_data(m))) for m in those],
        trial(same[:1], True),
        trial(same, True),
    )


def given_settings(experiment: Experiment[Any], asked: Asked) -> list[dict[str, Any]]:
    """Every parameter at both of its ends, then all of them at random; each differs from the test size."""
    quick = settings(experiment.params, experiment.quick)
    known = describe(experiment.params)
    found = []
    for one in known:
        found += [{one.name: end} for end in _ends(one) if end != quick[one.name]]
    luck = Random(asked.first)
    for _ in range(asked.random_settings):
        found.append({one.name: one.take(_draw(one, luck)) for one in known})
    return found


def _ends(one: Param) -> list[Any]:
    if one.choices:
        return list(one.choices)
    if isinstance(one.default, bool):
        return [False, True]
    if isinstance(one.default, str):
        return []
    return [one.take(_fitting(one, end)) for end in (one.low, one.high) if end is not None]


def _draw(one: Param, luck: Random) -> Any:
    if one.choices:
        return luck.choice(one.choices)
    if isinstance(one.default, bool):
        return luck.random() < 0.5
    if isinstance(one.default, str):
        return one.default
    low = one.low if one.low is not None else min(0.0, one.default)
    high = one.high if one.high is not None else max(1.0, 4 * one.default, low)
    if low > 0 and high > 20 * low:
        value = math.exp(luck.uniform(math.log(low), math.log(high)))
    else:
        value = luck.uniform(low, high)
    return _fitting(one, min(high, max(low, value)))


def _fitting(one: Param, value: float) -> float:
    return round(value) if isinstance(one.default, int) else float(f"{value:.4g}") if value else value
