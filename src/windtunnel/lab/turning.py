"""Where a claim turns along one parameter: searched by halving on each seed by itself, with the interval over seeds.

All settings of a search have the luck of its seed, the same draws: two neighbours differ by the parameter alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Any

from windtunnel.lab.claims import applies, truth
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.phases import FINEST, Axis
from windtunnel.lab.probe import Probe
from windtunnel.lab.result import Document
from windtunnel.lab.run import Progress
from windtunnel.lab.running.work import Job
from windtunnel.lab.statistics import t_interval

WITHIN = 0.005
"""To which share of the axis a seed's search goes by default."""


@dataclass(frozen=True, slots=True)
class TurningPoint(Document):
    """Where a claim turns from true to false, or back.

    Attributes:
        x: the parameter; `x_range` from where to where it was searched.
        at: where it turned, of each seed in `seeds`; None where it is alike at both ends, or cannot be told.
        mean, low, high: of the seeds on which it turned, with the 95 % interval of the mean.
        within: how well each is known: half of what was left of the axis.
        line: where theory says that it turns; None where it says nothing.
        runs: how many it took.
    """

    experiment: str
    expression: str
    because: str
    x: str
    x_range: tuple[float, float]
    log: str
    seeds: list[int]
    at: list[float | None]
    mean: float
    low: float
    high: float
    within: float
    theory: str
    line: float | None
    params: dict[str, Any]
    runs: int
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def turned(self) -> list[float]:
        """Where it turned, of the seeds on which it did."""
        return [place for place in self.at if place is not None]

    @property
    def exit_status(self) -> int:
        """3 where a seed has no turning point, else 0."""
        return 0 if len(self.turned) == len(self.at) else 3


def turning_point(
    experiment: Experiment[Any],
    x: Axis,
    claim: Claim,
    *,
    line: str = "",
    within: float = WITHIN,
    seeds: int | Sequence[int] | None = None,
    quick: bool = True,
    jobs: int | None = None,
    with_file: str = "",
    progress: Progress | None = None,
    params: Mapping[str, object] | None = None,
) -> TurningPoint:
    """Search on each seed where a claim turns between the ends of an axis, in the claim's own setting (`given`), but
    for `params`.

    A claim that turns more than once has one of its turns found: which, is luck.

    Args:
        x: see `windtunnel.lab.phases.axis`.
        line: theory: a condition on parameters, as `Claim.where`; where it turns is told beside.
        within: to which share of the axis each seed's turn is searched.
        seeds, quick, params: as of `phase_map`.

    Raises:
        WrongInput: something given cannot be used.
        DesignError: a design is broken.
    """
    if not 0 < within <= 1:
        raise WrongInput(f"A turn is known to a share of its axis above 0 and at most 1, not {within}.")
    params = params or {}
    if x.param.name in params:
        raise WrongInput(f"{x.param.name} is what is searched and has a value beside it; leave the value out.")
    probe = Probe(
        experiment, claim, seeds=seeds, quick=quick, jobs=jobs, with_file=with_file, progress=progress, params=params
    )

    def told(places: Sequence[tuple[int, Any]]) -> list[bool | None]:
        """Of each seed and value whether the claim holds there."""
        given = [probe.setting({x.param.name: value}) for _, value in places]
        todo = [Job(probe.stage, d, seed, i, given[i]) for i, (seed, _) in enumerate(places) for d in probe.designs]
        done = iter(probe.perform(todo))
        rows = [{"params": p, **{d: next(done).measures for d in probe.designs}} for p in given]
        return [truth(claim.expression, row) for row in rows]

    first = probe.setting({x.param.name: x.low})
    theory = _turn_of_theory(line, x, first) if line else None  # what cannot be read is said before the work
    searches = _searched(x, probe.seeds, told, within)
    at = [sum(searches[seed]) / 2 if seed in searches else None for seed in probe.seeds]
    between = t_interval([place for place in at if place is not None]) if searches else None
    from windtunnel.lab.provenance import provenance

    return TurningPoint(
        experiment.id,
        claim.expression,
        claim.because,
        x.param.name,
        (x.low, x.high),
        "x" * x.log,
        probe.seeds,
        at,
        nan if between is None else between.mean,
        nan if between is None else between.low,
        nan if between is None else between.high,
        max(((high - low) / 2 for low, high in searches.values()), default=nan),
        line,
        theory,
        {name: value for name, value in first.items() if name != x.param.name},
        probe.runs,
        provenance(),
    )


def _searched(
    x: Axis, seeds: Sequence[int], told: Callable[[Sequence[tuple[int, Any]]], list[bool | None]], within: float
) -> dict[int, tuple[Any, Any]]:
    """Of each seed that turns between the ends, between which two values: all seeds are halved side by side."""
    ends = told([(seed, value) for seed in seeds for value in (x.low, x.high)])
    found: dict[int, tuple[Any, Any]] = {}
    first: dict[int, bool | None] = {}
    for seed, low, high in zip(seeds, ends[::2], ends[1::2], strict=True):
        if None not in (low, high) and low != high:
            found[seed], first[seed] = (x.low, x.high), low
    while asked := [(seed, at) for seed, ab in found.items() if (at := x.between(*ab, within)) is not None]:
        for (seed, middle), holds in zip(asked, told(asked), strict=True):
            low, high = found[seed]
            found[seed] = (middle, high) if holds == first[seed] else (low, middle)
    return found


def _turn_of_theory(line: str, x: Axis, params: Mapping[str, Any]) -> float | None:
    def told(asked: Sequence[tuple[int, Any]]) -> list[bool | None]:
        return [applies(line, {**params, x.param.name: value}) for _, value in asked]

    found = _searched(x, [0], told, FINEST)
    return sum(found[0]) / 2 if found else None
