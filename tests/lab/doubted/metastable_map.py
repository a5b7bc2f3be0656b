"""Below which load does a service survive every trigger, and how long may a trigger last above it?

Clarify first: metastable-failure shows one point, a load of 700 and a second of trouble. An engineer wants the map:
which loads are safe from any trigger, which are fine until something happens, and how long that something may last.
Estimate: with w attempts for a request nobody has patience for, the storm offers w times the load; it can only feed
itself while that is more than the capacity C. So C / w is the line: 250 a second for three retries, 500 for one, all of
the capacity for none (Huang and others, OSDI 2022, theorem 2, with the capacity after the trigger unimpaired).

Design. The map has three countries. Below C / w the service comes back from anything. Above it, short triggers pass and
long ones stay: the edge between them falls steeply, from seconds to a few hundred milliseconds, as the load comes near
the capacity, for there is less and less spare capacity to drain what the trigger left. The clients' patience is the
unit of that edge: a trigger hurts once it makes the queue longer than they will wait.

Deep dive. Retries are what draws the line, not the trigger. One retry instead of three doubles the safe load. A budget
of a tenth puts it at C / 1.1. Both cost something: some requests fail that a retry would have saved.

Scale. A service that runs at seven tenths with three retries lives in the middle of the dangerous country, and looks
healthy for months. Draw your own map with your own patience, retries and capacity before the first bad day does it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from windtunnel import Chart, Claim, Experiment, Figure, History, Op, Source, Stage, param
from windtunnel.sim.compiled import RetryStorm, retry_storm

LOADS = (0.2, 0.23, 0.3, 0.45, 0.52, 0.7, 0.8, 0.9)
"""Shares of the capacity."""
TRIGGERS_S = (0.2, 0.3, 0.35, 0.5, 1.0, 5.0)
LATER_S = 5.0


@dataclass(frozen=True)
class Params:
    """The service; each cell of the map is a run of it."""

    capacity: float = param(1000.0, "requests that the server serves in a second", low=10, high=10_000)
    patience_s: float = param(0.25, "seconds after which a client gives an attempt up", low=0.001, high=10)
    run_s: float = param(90.0, "seconds of each cell; the trigger comes at second 5", low=20, high=600)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`fate(load_per_s, trigger_s, seed)` for each cell of the map."""
    seed = luck.randrange(1 << 30)
    for load in LOADS:
        for trigger_s in TRIGGERS_S:
            yield Op(0.0, f"load {load:g}", "fate", (load * p.capacity, trigger_s, seed))


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

    def fate(self, load_per_s: float, trigger_s: float, seed: int) -> bool:
        """Whether the service comes back within the run."""
        storm = RetryStorm(
            load=load_per_s,
            capacity=self.p.capacity,
            timeout_s=self.p.patience_s,
            retries=self.retries,
            retry_budget=self.retry_budget,
            trigger_at_s=LATER_S,
            trigger_s=trigger_s,
            seconds=self.p.run_s,
        )
        return retry_storm(storm, seed).recovered()

    def report(self) -> Mapping[str, object]:
        weight = 1 + (self.retries if self.retry_budget is None else self.retry_budget)
        return {"line": 1 / weight}


class OneRetry(ThreeRetries):
    """Clients ask again once; w = 2."""

    retries = 1


class RetryBudget(ThreeRetries):
    """Three retries, but all clients together at most a tenth of the requests; w = 1.1."""

    retry_budget = 0.1


class NoRetries(ThreeRetries):
    """Clients that give up stay away; w = 1."""

    retries = 0


def _edge(history: History, p: Params) -> list[tuple[float, float]]:
    """For each load (as a share of the capacity) the longest trigger that it and all shorter ones survive."""
    survived: dict[float, float] = {}
    dead: set[float] = set()
    for event in sorted(history, key=lambda e: (e.args[0], e.args[1])):
        load = event.args[0] / p.capacity
        survived.setdefault(load, 0.0)
        if not event.value:
            dead.add(load)
        elif load not in dead:
            survived[load] = event.args[1]
    return sorted(survived.items())


def measure(history: History, p: Params) -> dict[str, float]:
    """Where the line is, and where the theorem puts it."""
    edge = _edge(history, p)
    safe = [load for load, trigger_s in edge if trigger_s == max(TRIGGERS_S)]
    unsafe = [load for load, trigger_s in edge if trigger_s < max(TRIGGERS_S)]
    by_load = dict(edge)
    return {
        "safe_load": max(safe, default=0.0),
        "unsafe_load": min(unsafe, default=1.0),
        "line": history.facts["line"],
        "survives_at_70_s": by_load[0.7],
        "stuck": sum(not e.value for e in history) / len(history),
    }


def series(history: History, p: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """The edge of the map: above it the service stays down."""
    return {"longest trigger survived": _edge(history, p)}


HUANG = "Huang and others, OSDI 2022, theorem 2"

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
    charts=(Chart("The edge", "load (share of the capacity)", "longest trigger survived, s", series),),
    seeds=3,
    quick={"capacity": 100.0},
    claims=(
        Claim(
            "three_retries.unsafe_load <= 0.3",
            "Above C / 4 a trigger of seconds never ends.",
            HUANG,
            breaks="three_retries",
        ),
        Claim(
            "three_retries.safe_load >= 0.2", "Below C / 4 the storm cannot feed itself.", HUANG, spares="three_retries"
        ),
        Claim(
            "one_retry.safe_load >= 0.4 and one_retry.unsafe_load <= 0.6", "With one retry the line is C / 2.", HUANG
        ),
        Claim("retry_budget.safe_load >= 0.7", "A tenth more work is all that a budget allows."),
        Claim("no_retries.stuck <= retry_budget.stuck", "Without retries there is no loop, only a queue."),
        Claim(
            "three_retries.survives_at_70_s < 0.5",
            "At seven tenths of the capacity less than half a second is enough to bring the service down for good.",
        ),
    ),
    demands=(
        Claim("yours.safe_load >= 0.6", "A service that is not half used is too dear."),
        Claim("yours.survives_at_70_s >= 1", "A second of trouble happens every week."),
    ),
    figures=(
        Figure(
            "a load that recovers with 3 retries, of 1000",
            230,
            "1000 * three_retries.safe_load",
            0,
            "R",
            "capacity 1000, patience 250 ms; triggers up to 5 s",
        ),
        Figure(
            "a load that never recovers with 3 retries, of 1000",
            300,
            "1000 * three_retries.unsafe_load",
            0,
            "R",
            "capacity 1000, patience 250 ms; triggers up to 5 s",
        ),
        Figure(
            "a load that recovers with 1 retry, of 1000",
            450,
            "1000 * one_retry.safe_load",
            0,
            "R",
            "capacity 1000, patience 250 ms; triggers up to 5 s",
        ),
        Figure(
            "a load that never recovers with 1 retry, of 1000",
            520,
            "1000 * one_retry.unsafe_load",
            0,
            "R",
            "capacity 1000, patience 250 ms; triggers up to 5 s",
        ),
        Figure(
            "longest trigger survived at load 700, s",
            0.30,
            "three_retries.survives_at_70_s",
            0.2,
            "R",
            "0.30 s recovers, 0.35 s does not; one seed there",
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
