"""Phase maps: where in two parameters a claim holds, and where the edge between two fates runs.

A grid is measured first. Between two neighbours that differ, the edge is searched by halving, all edges side by side,
until it is known to a share of the axis. A line of theory is drawn from parameters alone, and never measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import exp, isfinite, log
from typing import Any, Literal

from windtunnel.lab.claims import applies, truth, truth_of_means
from windtunnel.lab.errors import WrongInput, suggest
from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.judge import tables
from windtunnel.lab.params import Param, describe
from windtunnel.lab.probe import Probe
from windtunnel.lab.result import Document, Run
from windtunnel.lab.run import Progress
from windtunnel.lab.running.work import Job

State = Literal["holds", "fails", "mixed", "unknown"]
"""On all seeds, on none, on some; unknown where it cannot be told. Of means: decided, or not."""
Point = tuple[Any, Any]
MOST_CELLS = 60
FINEST = 2.0**-40
"""Share of an axis to which a line of theory is known: enough for the last digit that is printed."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A parameter and the part of its range that a map shows, perhaps on a logarithmic scale."""

    param: Param
    low: float
    high: float
    log: bool = False

    def at(self, share: float) -> Any:
        """The value at a share of the axis; whole where the parameter is."""
        if self.log:
            found = exp(log(self.low) + share * (log(self.high) - log(self.low)))
        else:
            found = self.low + share * (self.high - self.low)
        found = min(max(found, self.low), self.high)
        return round(found) if isinstance(self.param.default, int) else found

    def share(self, value: float) -> float:
        """Where a value stands on the axis, from 0 to 1."""
        if self.log:
            return (log(value) - log(self.low)) / (log(self.high) - log(self.low))
        return (value - self.low) / (self.high - self.low)

    def between(self, low: Any, high: Any, within: float) -> Any | None:
        """Where to look next for what turns between two values; None where they are near each other, or neighbours."""
        a, b = self.share(low), self.share(high)
        middle = self.at((a + b) / 2)
        return None if b - a <= within or middle in (low, high) else middle

    def grid(self, count: int) -> list[Any]:
        """So many values, both ends among them; fewer where a whole number has fewer."""
        return list(dict.fromkeys(self.at(i / (count - 1)) for i in range(count)))


def axis(experiment: Experiment[Any], name: str, low: object = None, high: object = None, logged: bool = False) -> Axis:
    """An axis over a part of a parameter's range, or over all of it. Raises WrongInput."""
    known = {one.name: one for one in describe(experiment.params)}
    if name not in known:
        raise WrongInput(suggest(name, known, "parameter"))
    one = known[name]
    if isinstance(one.default, bool | str) or one.choices:
        raise WrongInput(f"{name} has no range to draw: it is {one.range or type(one.default).__name__}.")
    first = one.low if low is None else one.take(low)
    last = one.high if high is None else one.take(high)
    if first is None or last is None:
        raise WrongInput(f"{name} has no bounds of its own; say between what, as in {name}=1..10.")
    if first >= last:
        raise WrongInput(f"{name} goes from {first} to {last}; the first must be less, as in {name}=1..10.")
    if not _far(first, last):
        raise WrongInput(f"{name} goes from {first} to {last}; a map is drawn between numbers, as in {name}=1..10.")
    if logged and not first > 0:
        raise WrongInput(f"{name} begins at {first}, and a logarithmic axis begins above 0.")
    return Axis(one, first, last, logged)


def _far(low: float, high: float) -> bool:
    """Whether it can be said how far the ends are from each other."""
    try:
        return isfinite(float(high) - float(low))
    except OverflowError:
        return False


@dataclass(frozen=True, slots=True)
class Cell:
    """A measured setting. `claimed`: whether the experiment makes the claim there."""

    x: Any
    y: Any
    state: State
    claimed: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """A change from one state to another as one parameter grows (`along`), known to `within` of its value."""

    along: Literal["x", "y"]
    x: float
    y: float
    within: float
    before: State
    after: State


@dataclass(frozen=True, slots=True)
class PhaseMap(Document):
    """Where a claim holds.

    Attributes:
        x, y: the axes' parameters; `x_range`, `y_range` from where to where.
        cells: the grid, row by row from the lowest y.
        edges: where neighbours differ.
        line: points at which theory says that things change, where it says something.
        runs: how many runs it took.
    """

    experiment: str
    expression: str
    because: str
    x: str
    y: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    log: str
    cells: list[Cell]
    edges: list[Edge]
    theory: str
    line: list[tuple[float, float]]
    seeds: list[int]
    params: dict[str, Any]
    runs: int
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def exit_status(self) -> int:
        """1 where the claim fails in a cell in which it is made, 3 where it cannot be told there, else 0."""
        made = {cell.state for cell in self.cells if cell.claimed}
        return 1 if made & {"fails", "mixed"} else 3 if "unknown" in made else 0


def phase_map(
    experiment: Experiment[Any],
    x: Axis,
    y: Axis,
    claim: Claim,
    *,
    line: str = "",
    cells: int = 12,
    within: float = 0.02,
    seeds: int | Sequence[int] | None = None,
    quick: bool = True,
    jobs: int | None = None,
    with_file: str = "",
    progress: Progress | None = None,
    params: Mapping[str, object] | None = None,
) -> PhaseMap:
    """Measure where a claim holds.

    A cell has the claim's own setting (`given`), but for the two parameters of the map and for `params`.

    Args:
        x, y: see `axis`.
        line: theory: a condition on parameters, as `Claim.where`; the map has its boundary.
        cells: on each axis.
        within: to which share of its axis an edge is searched.
        seeds: as of `run`; as many as a run of the experiment has by default.
        quick: from the parameters of the tests, or from the defaults.
        params: other parameters.

    Raises:
        WrongInput: something given cannot be used.
        DesignError: a design is broken.
    """
    if not 2 <= cells <= MOST_CELLS:
        raise WrongInput(f"A map has 2 to {MOST_CELLS} cells on an axis, not {cells}.")
    if not 0 < within <= 1:
        raise WrongInput(f"An edge is known to a share of its axis above 0 and at most 1, not {within}.")
    if x.param.name == y.param.name:
        raise WrongInput(f"Both axes are {x.param.name}; a map is over two parameters.")
    params = params or {}
    for name in (x.param.name, y.param.name):
        if name in params:
            raise WrongInput(f"{name} is an axis of the map and has a value beside it; leave the value out.")
    probe = Probe(
        experiment, claim, seeds=seeds, quick=quick, jobs=jobs, with_file=with_file, progress=progress, params=params
    )

    def full(point: Point) -> dict[str, Any]:
        return probe.setting({x.param.name: point[0], y.param.name: point[1]})

    survey = _Survey(probe, full)
    xs, ys = x.grid(cells), y.grid(cells)
    grid = [(a, b) for b in ys for a in xs]
    claimed = {point: applies(claim.where, full(point)) for point in grid}
    boundary = _boundary(line, x, y, xs, ys, full) if line else []  # what cannot be read is said before the work
    survey.look_at(grid)
    edges = survey.edges(x, y, xs, ys, within)
    from windtunnel.lab.provenance import provenance

    return PhaseMap(
        experiment.id,
        claim.expression,
        claim.because,
        x.param.name,
        y.param.name,
        (x.low, x.high),
        (y.low, y.high),
        "x" * x.log + "y" * y.log,
        [Cell(a, b, survey.states[a, b], claimed[a, b]) for a, b in grid],
        edges,
        line,
        boundary,
        probe.seeds,
        {k: v for k, v in full((xs[0], ys[0])).items() if k not in (x.param.name, y.param.name)},
        probe.runs,
        provenance(),
    )


@dataclass(slots=True)
class _Search:
    """An edge between two places on an axis, at one value of the other.

    The state of `low` is known to reach as far as it; what lies between `high` and `end` may be a third one.
    """

    along: Literal["x", "y"]
    axis: Axis
    low: Any
    high: Any
    at: Any
    end: Any

    def point(self, value: Any) -> Point:
        return (value, self.at) if self.along == "x" else (self.at, value)

    def place(self) -> Point:
        """Where it is, as far as is known."""
        return self.point((self.low + self.high) / 2)

    def rest(self) -> _Search:
        """What lies beyond the edge."""
        return replace(self, low=self.high, high=self.end)


def _halve(searches: Sequence[_Search], within: float, look: Callable[[list[Point]], list[Any]]) -> None:
    """Narrow each until its edge is known, all side by side: `look` says what is at each of the points."""
    before = look([one.point(one.low) for one in searches])  # and wherever `low` moves
    while open_ := [
        (one, low, middle)
        for one, low in zip(searches, before, strict=True)
        if (middle := one.axis.between(one.low, one.high, within)) is not None
    ]:
        there = look([one.point(middle) for one, _, middle in open_])
        for (one, low, middle), found in zip(open_, there, strict=True):
            if found == low:
                one.low = middle
            else:
                one.high = middle


class _Survey:
    """What has been measured so far."""

    def __init__(self, probe: Probe, full: Callable[[Point], dict[str, Any]]) -> None:
        self.probe, self.full = probe, full
        self.states: dict[Point, State] = {}

    def look_at(self, points: Sequence[Point]) -> list[State]:
        """The state of each, for which every point is run that has not been run."""
        new = [point for point in dict.fromkeys(points) if point not in self.states]
        given = [self.full(point) for point in new]
        todo = [
            Job(self.probe.stage, design, seed, i, params)
            for i, params in enumerate(given)
            for seed in self.probe.seeds
            for design in self.probe.designs
        ]
        done = self.probe.perform(todo)
        runs: dict[int, list[Run]] = {i: [] for i in range(len(new))}
        for job, found in zip(todo, done, strict=True):
            runs[job.setting].append(Run(job.design, job.seed, job.setting, found.measures, found.digest))
        for i, point in enumerate(new):
            self.states[point] = self._state(runs[i], i, given[i])
        return [self.states[point] for point in points]

    def _state(self, runs: Sequence[Run], index: int, params: Mapping[str, Any]) -> State:
        claim = self.probe.claim
        rows = tables(claim.expression, runs, index, params, self.probe.designs)
        if claim.over == "mean":
            found = truth_of_means(claim.expression, rows)
            return "unknown" if found is None else "holds" if found else "fails"
        told = [truth(claim.expression, row) for row in rows]
        if None in told:
            return "unknown"
        return "holds" if all(told) else "mixed" if any(told) else "fails"

    def edges(self, x: Axis, y: Axis, xs: Sequence[Any], ys: Sequence[Any], within: float) -> list[Edge]:
        """Halve between all neighbours that differ, side by side; beyond each edge too, until the neighbour's state."""
        found: list[Edge] = []
        searches = [one for one in _between(x, y, xs, ys) if self._differ(one)]
        while searches:
            _halve(searches, within, self.look_at)
            found += [self._edge(one) for one in searches]
            searches = [rest for one in searches if self._differ(rest := one.rest())]
        return found

    def _edge(self, one: _Search) -> Edge:
        before, after = self.states[one.point(one.low)], self.states[one.point(one.high)]
        return Edge(one.along, *one.place(), (one.high - one.low) / 2, before, after)

    def _differ(self, one: _Search) -> bool:
        return self.states[one.point(one.low)] != self.states[one.point(one.high)]


def _between(x: Axis, y: Axis, xs: Sequence[Any], ys: Sequence[Any]) -> list[_Search]:
    """A search between each two neighbours of the grid, along x and along y."""
    along_x = [_Search("x", x, a, b, at, b) for at in ys for a, b in pairwise(xs)]
    along_y = [_Search("y", y, a, b, at, b) for at in xs for a, b in pairwise(ys)]
    return along_x + along_y


def _boundary(
    line: str,
    x: Axis,
    y: Axis,
    xs: Sequence[Any],
    ys: Sequence[Any],
    full: Callable[[Point], dict[str, Any]],
) -> list[tuple[float, float]]:
    """Where a condition on parameters turns between neighbours of the grid."""

    def look(points: list[Point]) -> list[bool]:
        return [applies(line, full(point)) for point in points]

    def turns(one: _Search) -> bool:
        low, high = look([one.point(one.low), one.point(one.high)])
        return low != high

    turning = [one for one in _between(x, y, xs, ys) if turns(one)]
    _halve(turning, FINEST, look)
    return [one.place() for one in turning]
