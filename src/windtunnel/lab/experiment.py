"""An experiment: one question about an architecture, as a value.

It holds the designs (naive first, best last), the workload that all of them serve, what is measured, and the claims
that the measurements are held to. Everything here is data or a pure function; `windtunnel.lab.run` does the work.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from windtunnel.engines.registry import MODEL
from windtunnel.lab.asks import Ask, Why
from windtunnel.lab.charts import Chart
from windtunnel.lab.discovery import track_of
from windtunnel.lab.errors import WrongInput, suggest
from windtunnel.lab.footing import name_of
from windtunnel.lab.history import History, Op
from windtunnel.lab.measures import EXPLAINED
from windtunnel.sim.fault import Fault

if TYPE_CHECKING:
    from windtunnel.lab.board import Board
    from windtunnel.lab.held import Held
    from windtunnel.lab.stage import Stage

P = TypeVar("P")
Mark = Literal["V", "Vq", "D", "R", "M"]
MARKS = {
    "V": "read in the source",
    "Vq": "quoted from the source",
    "D": "derived: anyone can compute it",
    "R": "measured in an earlier trial of this project",
    "M": "from memory: shown, never judged",
}
RESERVED = frozenset(
    {"experiment", "stage", "on", "seeds", "designs", "quick", "jobs", "with_file", "histories", "progress", "trace"}
    | {"over", "values", "told"}
)
"""Arguments of `run` and `sweep` (a test holds this to their signatures), which take parameters by name beside them."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where something can be read."""

    title: str
    year: int
    url: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence about the measurements that a run can prove wrong.

    Args:
        expression: compares measurements `design.measure`, parameters `params.name` and numbers; may use
            `+ - * / // ** %`, `min`, `max`, `abs`, `and`, `or`, `not`.
        because: why it should hold, one sentence.
        source: where that is said.
        over: "seed" asks that it holds on each seed; "mean" asks it of the means, and it holds only where the interval
            of the paired differences lies wholly on its side (unknown where it straddles).
        given: parameters with other values than those of the run: the claim speaks of another setting.
        breaks: the design that this claim holds to its failure.
        spares: the design that this claim shows to be good enough here.
        stages: the stages on which it is judged; all of the experiment's where empty.
        always: for demands: it has to hold whatever goes wrong, not only while nothing does.
        where: the parameters for which it is claimed, as in `load < 0.8 and retries >= 1`; everywhere where empty.
            Elsewhere it is neither judged nor counted.
    """

    expression: str
    because: str
    source: str = ""
    over: Literal["seed", "mean"] = "seed"
    given: Mapping[str, Any] = field(default_factory=dict)
    breaks: str = ""
    spares: str = ""
    stages: tuple[str, ...] = ()
    always: bool = False
    where: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number of a source, and what we measure in its place.

    Args:
        name: what the number is, with its unit.
        source_value: what the source says.
        ours: an expression as in `Claim`, with a number as its value.
        tolerance: greatest share of `source_value` by which ours may differ: reproduced where the interval of our mean
            lies wholly within, missed where it lies wholly without, unknown where it straddles.
        mark: how far the source's number can be trusted (`MARKS`); one marked M is shown, never judged.
        conditions: under which conditions the source measured or derived it.
        given: as in `Claim`; figures start from the defaults, whatever the run was told.
    """

    name: str
    source_value: float
    ours: str
    tolerance: float
    mark: Mark
    conditions: str
    source: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    stages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Map:
    """What `windtunnel map` draws of an experiment when it is not told: where in two parameters a claim holds.

    Args:
        claim: the expression of a claim of the experiment, or another one.
        x, y: the parameters at the axes; without `y`, where along `x` the claim turns is searched on each seed.
        x_range, y_range: from where to where; the parameters' own bounds where empty.
        line: theory: a condition on parameters, as `Claim.where`, whose boundary is drawn.
        log: which axes are logarithmic: "", "x", "y" or "xy".
        given: parameters with which it is asked, where it is no claim of the experiment: a claim has its own.
    """

    claim: str
    x: str
    y: str = ""
    x_range: tuple[float, float] | tuple[()] = ()
    y_range: tuple[float, float] | tuple[()] = ()
    line: str = ""
    log: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class Experiment(Generic[P]):
    """One question, and all that is needed to answer it.

    Args:
        title: a few words.
        question: one sentence that ends with a question mark.
        params: a frozen dataclass of `param` fields, in the experiment's own module.
        workload: pure: the same requests for every design. They are numbered in the order of their due time.
        designs: naive first, best last. Any class that takes `(stage, params)` and has the methods that the requests
            name. The first line of its docstring is its idea.
        others: clients of another program, made like a design: they share nothing with it but what stands on the
            stage. They, and not the design, serve the requests that they have a method for. Who answers out of what
            its own process remembers is found out by them.
        measure: pure: what is read off a history, by name (units last). Counts of outcomes, throughput and latencies
            come for free.
        stages: where it can run; the first is the default. "sim", "machine", an engine ("sqlite", "postgres"), or
            engines by port ({"database": "postgres", "cache": "valkey"}).
        demands: what a design of the user's has to hold to in `windtunnel grade`; they speak of the design "yours".
        faults: what goes wrong, or a function that says so for the parameters.
        audit: pure: what is read off a history and what the harness itself read off the stage (`Held`), by name; for
            demands. Where it names what `measure` names too, it is believed: a design reports what it likes.
        quick: parameters that make a run cheap enough for the tests: 3 s of CPU for everything together.
        ends_s: the second at which a run ends, whoever still waits. Without it a run ends with its last answer.
        warmup_s: requests due before this second are left out of the measurements that come for free. An experiment of
            queues says it, also where it is 0: they start empty, and what is measured before they have filled flatters.
        rig: what serves the requests in a design's place, and takes the design, its stage and the parameters; it asks
            the design only for what is tried. For what a design must not say of itself: that no schedule of it loses,
            say. It keeps the design as its attribute `design`.
        charts: what is drawn of each design's run, each chart a table too.
        asks: numbers to guess before a run shows them.
        why: the sentences of the explanation, each held by a claim.
        shows: which of the measurements that come for free stand in the table beside the experiment's own.
        maps: phase maps that are worth drawing.
        board: what an interview about it asks; `windtunnel interview` walks through it.
        module: where it is defined; taken from `params`.
    """

    title: str
    question: str
    params: type[P]
    workload: Callable[[P, Random], Iterable[Op]]
    designs: Mapping[str, Callable[[Stage, P], object]]
    claims: Sequence[Claim]
    others: Callable[[Stage, P], object] | None = None
    measure: Callable[[History, P], Mapping[str, float]] | None = None
    stages: tuple[str | Mapping[str, str], ...] = ("sim",)
    faults: Sequence[Fault] | Callable[[P], Sequence[Fault]] = ()
    demands: Sequence[Claim] = ()
    audit: Callable[[History, Held, P], Mapping[str, float]] | None = None
    hints: Sequence[str] = ()
    sources: Sequence[Source] = ()
    figures: Sequence[Figure] = ()
    quick: Mapping[str, Any] = field(default_factory=dict)
    seeds: int = 5
    ends_s: Callable[[P], float] | None = None
    warmup_s: Callable[[P], float] | None = None
    charts: Sequence[Chart] = ()
    asks: Sequence[Ask] = ()
    why: Sequence[Why] = ()
    shows: tuple[str, ...] = ()
    maps: Sequence[Map] = ()
    rig: Callable[[Any, Stage, P], object] | None = None
    board: Board | None = None
    module: str = ""

    def __post_init__(self) -> None:
        if not self.module:
            object.__setattr__(self, "module", self.params.__module__)
        for name in RESERVED.intersection(getattr(self.params, "__dataclass_fields__", ())):
            raise WrongInput(
                f"{name!r} cannot name a parameter: it is an argument of run() or sweep(); take another word."
            )
        for name in self.shows:
            if name not in EXPLAINED:
                raise WrongInput(suggest(name, EXPLAINED, "free measurement"))
        for name in self.designs:
            if not name.isidentifier() or name in ("params", "min", "max", "abs"):
                raise WrongInput(f"{name!r} cannot name a design: claims speak of it; take letters, digits and _.")

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        from windtunnel.lab.notebook import experiment_html

        return experiment_html(self)

    @property
    def id(self) -> str:
        """The file's name, with - for _."""
        return self.module.rpartition(".")[2].replace("_", "-")

    @property
    def track(self) -> str:
        """The folder of the catalogue in which it stands; "" outside of one."""
        return track_of(self.module)

    @property
    def measured(self) -> bool:
        """Whether it is measured in real time: its first stage is real, so that no two runs are the same."""
        return name_of(self.stages[0]) != MODEL

    @property
    def lesson(self) -> str:
        """The docstring of its module."""
        return inspect.cleandoc(sys.modules[self.module].__doc__ or "")

    def faults_for(self, params: P) -> Sequence[Fault]:
        """What goes wrong with these parameters."""
        return self.faults(params) if callable(self.faults) else self.faults

    def choose(self, names: Iterable[str] | None) -> list[str]:
        """The designs of these names, in the experiment's order; all where None. Raises WrongInput."""
        if names is None:
            return list(self.designs)
        wanted = list(dict.fromkeys(names))
        for name in wanted:
            if name not in self.designs:
                raise WrongInput(suggest(name, self.designs, "design"))
        return [name for name in self.designs if name in wanted]


def idea(design: Callable[..., object]) -> str:
    """The first line of a design's docstring."""
    doc = inspect.getdoc(design) or ""
    return doc.partition("\n")[0].strip()
