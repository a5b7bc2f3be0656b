"""Which loads come back from every trigger, and how long may a trigger last at the others?

Clarify: metastable-failure shows one load and one trigger. An engineer wants the map: which loads are safe, which are
fine until something happens, and how long that something may last. Nobody can wait for ever: "back" means that in the
last ten seconds of a run of a minute (`run_s`) nine of ten requests are answered in time.

Estimate: with w attempts for a request the storm asks for w L at most. Below C / w, 250 a second for three retries, 500
for one, it cannot feed itself (Huang and others, OSDI 2022, theorem 2, where no capacity is lost for good). What the
trigger left drains at C - w L, which is slow near the line: a run of a minute sees its end a few percent below
(`line_in_run`); with `--set run_s=150` it moves up. Of the loads above the line the theorem does not speak.

Design: each cell of the map is a run. The edge and the line are searched by halving, between runs that came back and
runs that did not. Right of C / w the edge drops at once, from the longest trigger that was tried to less than a second,
and falls on slowly to about p / (1 - r / L), with the patience p, and the shares of the capacity that the trigger
leaves, r, and that the load needs, L. That is the longest trigger in which no client gives up, were flows even.

Deep dive: above both lines one retry has the edge of three. How often clients ask again decides where the line is; how
long a trigger may last is decided by when they begin to. Let the load rise evenly above the capacity and fall again: on
the way down, at loads that were served on the way up, nobody is answered. One load, two states, and the past decides
(hysteresis). Without retries, too, the way down is below the way up until what the peak has left is drained; from there
on they are the same, and with a budget a little later. Three retries do not come back as long as the run lasts.

Scale: one retry instead of three doubles the safe load; a budget of a tenth puts it near C / 1.1, no retries near C.
Each gives up requests that a retry would have saved, which this map does not show.

Real systems: a service at seven tenths of its capacity with three retries is far above its line and looks healthy until
the trigger comes. Draw your own map, with your patience, retries and capacity, before that day.

Left open: triggers that take less than nine tenths of the capacity, loads that rise during one, and clients that back
off. Near a line luck decides: other seeds move each edge. Where patience holds few requests, a burst of them is trigger
enough, and the edge is at 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import nan, sqrt
from random import Random

from windtunnel import Ask, Chart, Claim, Experiment, Figure, Held, History, Op, Source, Stage, Why, param
from windtunnel.sim.closed_forms import metastable_load
from windtunnel.sim.compiled import RetryStorm, Storm, retry_storm

LOADS = (0.2, 0.3, 0.45, 0.6, 0.75, 0.9)
"""Shares of the capacity: of the map's cells."""
TRIGGERS_S = (0.2, 0.3, 0.5, 1.0, 2.0)
EDGES = (0.3, 0.45, 0.6, 0.7, 0.9)
"""Loads at which the longest trigger that is survived is searched."""
LEAST_S, MOST_S = 0.05, 2.0
"""Between these triggers, and between these loads:"""
LOWEST, HIGHEST = 0.05, 1.0
STEPS = 8
"""Halvings of a search: what is left between survived and not is a 256th of the range, on a logarithmic scale."""
VALLEY, SUMMIT = 0.1, 1.2
"""Shares of the capacity from which and to which the load rises evenly, to fall back in as long a time."""
SAME = 0.3, 0.5
"""Shares of the capacity between which the way up and the way down are compared."""
LATER_S = 5.0
JUDGED_S = 10.0
"""The last seconds, in which nine of ten requests have to be answered in time."""


@dataclass(frozen=True)
class Params:
    """The service; each cell of the map is a run of it."""

    capacity: float = param(1000.0, "requests that the server serves in a second", low=10, high=5000)
    patience_s: float = param(0.25, "seconds after which a client gives an attempt up", low=0.1, high=0.5)
    run_s: float = param(60.0, "seconds of each run; the trigger comes at second 5", low=20, high=150)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`fate(load, trigger_s, seed)` of each cell, `edge(load, seed)`, `line(trigger_s, seed)`, `ramp(seed)`."""
    seed = luck.randrange(1 << 30)
    for load in LOADS:
        for trigger_s in TRIGGERS_S:
            yield Op(0.0, f"load {load:g}", "fate", (load * p.capacity, trigger_s, seed))
    for load in EDGES:
        yield Op(0.0, f"load {load:g}", "edge", (load * p.capacity, seed))
    yield Op(0.0, "all loads", "line", (MOST_S, seed))
    yield Op(0.0, "all loads", "ramp", (seed,))


class ThreeRetries:
    """Clients ask again at once, three times; w = 4."""

    retries = 3
    retry_budget: float | None = None

    def __init__(self, stage: Stage, p: Params) -> None:
        self.p = p

    def start(self) -> None:
        """Compile before the run: the cache of compiled code is a real file, and none is written in the tunnel."""
        from windtunnel.sim.compiled.kernels import retry

        retry.warm()

    def storm(self, load_per_s: float, trigger_s: float, seed: int, peak_per_s: float | None = None) -> Storm:
        """The service under this load, with this trigger."""
        model = RetryStorm(
            load=load_per_s,
            capacity=self.p.capacity,
            timeout_s=self.p.patience_s,
            retries=self.retries,
            retry_budget=self.retry_budget,
            trigger_at_s=LATER_S,
            trigger_s=trigger_s,
            seconds=self.p.run_s,
            peak=peak_per_s,
        )
        return retry_storm(model, seed)

    def fate(self, load_per_s: float, trigger_s: float, seed: int) -> bool:
        """Whether the service is back at the end of the run."""
        return self.storm(load_per_s, trigger_s, seed).recovered()

    def edge(self, load_per_s: float, seed: int) -> tuple[float, float]:
        """At this load the longest trigger that was survived, 0 if none, and the shortest that was not, in seconds."""
        return between(LEAST_S, MOST_S, lambda trigger_s: self.fate(load_per_s, trigger_s, seed))

    def line(self, trigger_s: float, seed: int) -> tuple[float, float]:
        """With this trigger the highest load that came back, and the lowest that did not, in requests a second."""
        c = self.p.capacity
        return between(LOWEST * c, HIGHEST * c, lambda load_per_s: self.fate(load_per_s, trigger_s, seed))

    def ramp(self, seed: int) -> list[tuple[int, int]]:
        """Second by second the requests and those answered in time, while the load rises and falls."""
        return told_of(self.storm(VALLEY * self.p.capacity, 0.0, seed, SUMMIT * self.p.capacity))

    def report(self) -> Mapping[str, object]:
        weight = 1 + (self.retries if self.retry_budget is None else self.retry_budget)
        return {"weight": weight}


class OneRetry(ThreeRetries):
    """Clients ask again once; w = 2."""

    retries = 1


class RetryBudget(ThreeRetries):
    """Three retries, but all clients together at most a tenth of the requests; w = 1.1."""

    retry_budget = 0.1


class NoRetries(ThreeRetries):
    """Clients that give up stay away; w = 1."""

    retries = 0


def between(low: float, high: float, survives: Callable[[float], bool]) -> tuple[float, float]:
    """A survivor and a victim, as close as the search gets; `high` twice if all is well, 0 and `low` if nothing is."""
    if survives(high):
        return high, high
    if not survives(low):
        return 0.0, low
    for _ in range(STEPS):
        middle = sqrt(low * high)
        low, high = (middle, high) if survives(middle) else (low, middle)
    return low, high


def told_of(storm: Storm) -> list[tuple[int, int]]:
    """Requests and good answers of each second."""
    return [(int(came), int(good)) for came, good in zip(storm.offered, storm.good, strict=True)]


def line_in_run(p: Params, weight: float) -> float:
    """The share of the capacity that is back within the run after the longest trigger, were all flows even.

    While the trigger lasts, w L comes and a tenth of C is done; then C - w L drains it in the time that is left.
    """
    left = 1 - RetryStorm.trigger_loss
    after_s = max(0.0, p.run_s - LATER_S - MOST_S - JUDGED_S)
    return metastable_load(1.0, weight) * (after_s + left * MOST_S) / (after_s + MOST_S)


def first_timeout_s(p: Params, load: float) -> float:
    """The longest trigger in which nobody waits longer than a client does, were all flows even: p / (1 - r / load).

    Who comes when r of the speed is left, and still stands in the queue when the trigger ends, has waited longest.
    """
    return p.patience_s / (1 - (1 - RetryStorm.trigger_loss) / load)


def _pair(value: object) -> tuple[float, float]:
    """What a search found; no numbers where that is no pair of them."""
    match value:
        case (int() | float() as low, int() | float() as high):
            return float(low), float(high)
    return nan, nan


def _shares(p: Params) -> dict[object, float]:
    """From a load in requests per second back to the share that it was made of: a division would not always find it."""
    return {share * p.capacity: share for share in (*LOADS, *EDGES)}


def _edges(history: History, p: Params) -> dict[float, float]:
    """By load the longest trigger that was survived."""
    shares = _shares(p)
    return {shares[e.args[0]]: _pair(e.value)[0] for e in history.where(name="edge")}


def _ramp(history: History, p: Params) -> list[tuple[float, float, float]]:
    """Of each second of the ramp: the share of the capacity that comes, requests, those answered in time."""
    told = [e.value for e in history.where(name="ramp") if isinstance(e.value, list | tuple)]
    return [
        (VALLEY + (SUMMIT - VALLEY) * (1 - abs(2 * (second + 0.5) / p.run_s - 1)), *_pair(row))
        for second, row in enumerate(told[0] if told else ())
        if second + 1 <= p.run_s
    ]


def _answered(rows: Iterable[tuple[float, float, float]]) -> float:
    """The share answered in time, of those who came with the loads that are compared."""
    compared = [(came, good) for load, came, good in rows if SAME[0] <= load <= SAME[1]]
    came = sum(came for came, _ in compared)
    return sum(good for _, good in compared) / came if came else nan


def measure(history: History, p: Params) -> dict[str, float]:
    """Where the line is, where the theorem puts it, and what the ramp does."""
    cells, edges, ramp = history.where(name="fate"), _edges(history, p), _ramp(history, p)
    lines = [_pair(e.value) for e in history.where(name="line")]
    safe, unsafe = lines[0] if lines else (nan, nan)
    weight = history.facts["weight"]
    return {
        "safe_load": safe / p.capacity,
        "unsafe_load": unsafe / p.capacity,
        "line": metastable_load(1.0, weight),
        "line_in_run": line_in_run(p, weight),
        "survives_at_70_s": edges.get(0.7, nan),
        "survives_at_90_s": edges.get(0.9, nan),
        "first_timeout_at_70_s": first_timeout_s(p, 0.7),
        "not_back": sum(not e.value for e in cells) / len(cells) if cells else nan,
        "way_up": _answered(ramp[: len(ramp) // 2]),
        "way_down": _answered(ramp[len(ramp) // 2 :]),
    }


class Founded:
    """What the storms that a design ran show, run again: of this service, with these loads, triggers and luck.

    What it chose for them (retries, budgets, queues) is its own, and one choice for all: no service knows the load and
    the trigger that will come.
    """

    def __init__(self, held: Held, p: Params) -> None:
        self.p = p
        self.cells: dict[tuple[object, ...], set[object]] = {}
        self.ramps: dict[object, list[list[tuple[float, float]]]] = {}
        self.policies: set[tuple[tuple[str, object], ...]] = set()
        asked = {"capacity": p.capacity, "timeout_s": p.patience_s, "trigger_at_s": LATER_S, "seconds": p.run_s}
        asked["trigger_loss"] = RetryStorm.trigger_loss
        ramp = {"load": VALLEY * p.capacity, "trigger_s": 0, "peak": SUMMIT * p.capacity}
        for told, seed in held.storms:
            if any(told[name] != value for name, value in asked.items()):
                continue
            own = {name: value for name, value in told.items() if name not in {*asked, *ramp}}
            self.policies.add(tuple(sorted(own.items())))
            storm = retry_storm(RetryStorm(**told), seed)
            if told["peak"] is None:
                self.cells.setdefault((told["load"], told["trigger_s"], seed), set()).add(storm.recovered())
            elif all(told[name] == value for name, value in ramp.items()):
                self.ramps.setdefault(seed, []).append([(came, good) for came, good in told_of(storm)])

    def fate(self, cell: tuple[object, ...], said: object) -> bool:
        """Whether the cell (load, trigger, seed) was run, and is what is said."""
        return type(said) is bool and self.cells.get(cell) == {said}

    def search(self, name: str, at: object, seed: object, said: object) -> bool:
        """Whether both ends were run, one came back and one did not, and they are close; or the bound that is said."""
        low, high = _pair(said)
        least, most = (LEAST_S, MOST_S) if name == "edge" else (LOWEST * self.p.capacity, HIGHEST * self.p.capacity)
        if low == high or low == 0:  # all is well, or nothing is
            fates, close = {high: low > 0}, high == (most if low else least)
        else:
            fates, close = {low: True, high: False}, 0 < high / low < 1.01 * (most / least) ** (0.5**STEPS)
        cells = {(at, x, seed) if name == "edge" else (x, at, seed): fate for x, fate in fates.items()}
        return close and all(self.fate(cell, fate) for cell, fate in cells.items())

    def ramp(self, seed: object, said: object) -> bool:
        """Whether the ramp was run, and is what is said."""
        rows = [_pair(row) for row in said] if isinstance(said, list | tuple) else []
        return bool(rows) and all(rows == ramp for ramp in self.ramps.get(seed, [[]]))


def audit(history: History, held: Held, p: Params) -> dict[str, float]:
    """Whether what was said is what the storms show."""
    shown = Founded(held, p)

    def founded(name: str, args: Sequence[object], said: object) -> bool:
        match name, args:
            case "edge" | "line", (at, seed):
                return shown.search(name, at, seed, said)
            case "ramp", (seed,):
                return shown.ramp(seed, said)
        return shown.fate(tuple(args), said)

    return {
        "undecided": sum(type(e.value) is not bool for e in history.where(name="fate")),
        "unfounded": sum(not founded(e.name, e.args, e.value) for e in history),
        "policies": len(shown.policies),
    }


def edge(history: History, p: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """The edge of the map: longer triggers leave the service down; and the line, left of which the theorem speaks."""
    line = metastable_load(1.0, history.facts["weight"])
    return {"survives": sorted(_edges(history, p).items()), "C / w": [(line, LEAST_S), (line, MOST_S)]}


def fates(history: History, p: Params) -> Mapping[str, Sequence[tuple[float, float, float]]]:
    """Every cell of the map: whether the service came back."""
    shares = _shares(p)
    cells = history.where(name="fate")
    return {"came back": [(shares[e.args[0]], e.args[1], float(bool(e.value))) for e in cells]}


def loop(history: History, p: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Answers in time against the load, while it rises and while it falls: one line back and forth, or a loop."""
    rows = [(load, good / p.capacity) for load, _, good in _ramp(history, p)]
    return {"up": rows[: len(rows) // 2], "down": rows[len(rows) // 2 :]}


HUANG = "Huang and others, OSDI 2022"
USUAL = "capacity * patience_s >= 25"
"""Patience for far more than one request."""
DRAINED = f"{USUAL} and run_s >= 50"
"""There is time to drain what the longest trigger leaves."""

experiment = Experiment(
    title="Metastable failure: the map",
    question="Which loads survive every trigger, and how long may one last at the others?",
    params=Params,
    workload=workload,
    designs={
        "three_retries": ThreeRetries,
        "one_retry": OneRetry,
        "retry_budget": RetryBudget,
        "no_retries": NoRetries,
    },
    measure=measure,
    audit=audit,
    charts=(
        Chart("The edge", "load (share of the capacity)", "longest trigger survived, s", edge, log="y"),
        Chart("The map: 1 is back, 0 is not", "load (share of the capacity)", "trigger, s", fates, kind="heat"),
        Chart("Load up and down again", "load (share of the capacity)", "answers in time (share of it)", loop),
    ),
    asks=(
        Ask(
            "Clients ask up to four times. Up to which load is the service back a minute after a trigger of 2 s?",
            "100 * three_retries.safe_load",
            "% of the capacity",
            1,
            100,
        ),
        Ask(
            "The load rises above the capacity and falls again. On the way down, which share of requests is answered?",
            "100 * three_retries.way_down",
            "%",
            0,
            100,
        ),
    ),
    why=(
        Why(
            "Four attempts for each request are more than the server can do from a quarter of its capacity on.",
            "three_retries.unsafe_load < 1.25 * three_retries.line",
        ),
        Why(
            "Above the line a trigger must only last until clients give up; how often they ask again decides nothing.",
            "abs(one_retry.survives_at_70_s - three_retries.survives_at_70_s) < 0.15 * three_retries.survives_at_70_s",
        ),
    ),
    seeds=5,
    quick={"capacity": 100.0},
    claims=(
        Claim(
            "three_retries.unsafe_load < 1.25 * three_retries.line",
            "A little above C / w a trigger of two seconds outlives the run: there the service is vulnerable.",
            HUANG,
            breaks="three_retries",
            where=DRAINED,
        ),
        Claim(
            "three_retries.safe_load > 0.8 * three_retries.line",
            "Below C / w the storm cannot feed itself; what is missing to the line is time to drain.",
            HUANG,
            spares="three_retries",
            where=DRAINED,
        ),
        Claim(
            "abs(one_retry.safe_load - one_retry.line_in_run) < 0.15 * one_retry.line_in_run",
            "With one retry the line is at half of the capacity, less what drains too slowly for the run.",
            HUANG,
            where=DRAINED,
        ),
        Claim(
            "abs(one_retry.safe_load - 2 * three_retries.safe_load) < 0.4 * three_retries.safe_load",
            "Half the attempts for each request, twice the safe load.",
            HUANG,
            over="mean",
            where=DRAINED,
        ),
        Claim(
            "retry_budget.safe_load > 0.75",
            "A budget of a tenth leaves w at 1.1, and most of the capacity is on the safe side.",
            where=DRAINED,
        ),
        Claim(
            "no_retries.safe_load > 1.02 * retry_budget.safe_load",
            "What the budget allows is a tenth of the load, and near the capacity that tenth is missing.",
            over="mean",
            where=DRAINED,
        ),
        Claim(
            "three_retries.survives_at_70_s > 0.7 * three_retries.first_timeout_at_70_s",
            "A trigger in which hardly a wait is longer than the clients' patience does no harm.",
            where=USUAL,
        ),
        Claim(
            "three_retries.survives_at_70_s < 2 * params.patience_s",
            "At seven tenths of the capacity a trigger of twice the clients' patience outlives the run.",
            where=USUAL,
        ),
        Claim(
            "abs(one_retry.survives_at_70_s - three_retries.survives_at_70_s) < 0.15 * three_retries.survives_at_70_s",
            "Above both lines the edge is the same: it is where clients begin to give up.",
            where=USUAL,
        ),
        Claim(
            "min(retry_budget.survives_at_70_s, no_retries.survives_at_70_s) == 2",
            "Below their lines there is no edge: the longest trigger that is tried does no harm.",
            HUANG,
            where=DRAINED,
        ),
        Claim(
            "three_retries.survives_at_90_s == 0",
            "Where patience holds a few requests only, a burst of them is trigger enough.",
            given={"capacity": 10.0},
            where="run_s >= 50 and patience_s <= 0.4",
        ),
        Claim(
            "three_retries.way_up > 0.95 and three_retries.way_down < 0.05",
            "The same load is served on the way up, and not on the way down: which state it is in depends on the past.",
            where=DRAINED,
        ),
        Claim(
            "retry_budget.way_down > 0.4 and no_retries.way_down > 0.95",
            "Without a loop what the peak left drains, then the way down is the way up; a budget has more to drain.",
            where=DRAINED,
        ),
    ),
    demands=(
        Claim("yours.safe_load >= 0.6", "A service that is not half used is too dear."),
        Claim("yours.survives_at_70_s >= 1", "A second of trouble happens every week."),
        Claim("yours.undecided == 0", "A service comes back, or it does not: each cell is true or false.", always=True),
        Claim(
            "yours.unfounded == 0",
            "Whatever is said is what `retry_storm` shows of this service under this load, trigger and luck.",
            always=True,
        ),
        Claim(
            "yours.policies <= 1",
            "It is one service: what clients and queue do is not chosen by the load and the trigger that will come.",
            always=True,
        ),
    ),
    figures=(
        *(
            Figure(
                f"highest load that is back within the run, {name.replace('_', ' ')}, of 1000",
                1000 * line_in_run(Params(), weight),
                f"1000 * {name}.safe_load",
                0.1,
                "D",
                "C / w (time + trigger C' / C) / (time + trigger), were flows even; a trigger of 2 s leaves C' of C",
            )
            for name, weight in (("three_retries", 4.0), ("one_retry", 2.0), ("no_retries", 1.0))
        ),
        Figure(
            "longest trigger survived at load 700, in seconds",
            first_timeout_s(Params(), 0.7),
            "three_retries.survives_at_70_s",
            0.25,
            "D",
            "patience / (1 - C' / L): the longest in which nobody gives up, were flows even; capacity 1000",
        ),
    ),
    hints=(
        "How many times does a request come when nobody is answered in time?",
        "Which load makes that many attempts fit into the capacity?",
        "What has to be true of a retry policy for the weight to stay near one?",
    ),
    sources=(
        Source(
            "L. Huang and others, Metastable Failures in the Wild, OSDI",
            2022,
            "https://www.usenix.org/conference/osdi22/presentation/huang-lexiang",
        ),
        Source(
            "N. Bronson, A. Aghayev, A. Charapko, T. Zhu, Metastable Failures in Distributed Systems, HotOS",
            2021,
            "https://doi.org/10.1145/3458336.3465286",
        ),
    ),
)
