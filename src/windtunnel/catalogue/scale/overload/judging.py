"""What is measured of an overloaded service, and what theory says of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import exp, factorial, inf, nan
from typing import Protocol

from windtunnel import Event, Held, History, owed
from windtunnel.statistics import latency_percentiles

LOW = 0.5
"""The least load that is tried, and the load before and after each storm."""
CALM_S, AFTER_S = 0.5, 0.5
"""Seconds of it before and after."""
SETTLED = 1 / 3
"""From this part of a storm on it is looked at."""
BINS = 25
"""Points of a line over time."""


class Setting(Protocol):
    """What the experiment's parameters say; they stand in its own file."""

    @property
    def load(self) -> float: ...
    @property
    def steps(self) -> int: ...
    @property
    def capacity(self) -> float: ...
    @property
    def workers(self) -> int: ...
    @property
    def deadline_s(self) -> float: ...
    @property
    def cap(self) -> int: ...
    @property
    def refuse(self) -> float: ...
    @property
    def critical(self) -> float: ...
    @property
    def k(self) -> float: ...
    @property
    def memory_s(self) -> float: ...
    @property
    def storm_s(self) -> float: ...


def loads(p: Setting) -> list[float]:
    """The loads that are tried, each on a server of its own, from half the capacity to the highest."""
    return [p.load + (LOW - p.load) * i / max(1, p.steps - 1) for i in reversed(range(p.steps))]


def work_s(p: Setting) -> float:
    """Mean seconds of work of a request."""
    return p.workers / p.capacity


def run_s(p: Setting) -> float:
    """How long requests come."""
    return CALM_S + p.storm_s + AFTER_S


def window_s(p: Setting) -> tuple[float, float]:
    """From when and until when a storm is looked at."""
    return CALM_S + SETTLED * p.storm_s, CALM_S + p.storm_s


def lanes(history: History, p: Setting) -> list[list[Event]]:
    """What happened at each load."""
    found: list[list[Event]] = [[] for _ in range(p.steps)]
    for event in history:
        found[event.args[0]].append(event)
    return found


def in_time(event: Event, p: Setting) -> bool:
    """Whether it was answered while the answer was of use."""
    return event.outcome == "ok" and event.end - event.due <= p.deadline_s


def by_server(event: Event) -> bool:
    """Whether the server refused it, and not its own client."""
    return event.outcome == "fail" and event.value != "Throttled"


def late_no(event: Event, p: Setting) -> bool:
    """Whether it was refused when nobody can have waited for that any more: after twice the deadline."""
    return event.outcome == "fail" and event.end - event.due > 2 * p.deadline_s


def share(events: Sequence[Event], p: Setting) -> float:
    """Which share of the requests was answered in time."""
    return sum(in_time(e, p) for e in events) / len(events) if events else nan


def lost(events: Sequence[Event], p: Setting) -> float:
    """Which share of the requests was not answered in time; of nobody, nobody is lost."""
    return 1 - share(events, p) if events else 0.0


def p99_ms(accepted: Sequence[Event]) -> float:
    """The 99th percentile of those who were not refused; no number where some of them were still waiting."""
    return 1e3 * latency_percentiles(accepted, (99,))[0]


def wasted(lane: Sequence[Event], p: Setting) -> float:
    """Which share of the work was for answers that came too late, and for refusals."""
    begin, end = window_s(p)
    done = [e for e in lane if begin <= e.end < end]
    refused = sum(map(by_server, done)) * p.refuse * work_s(p)
    late = sum(e.args[2] for e in done if e.outcome == "ok" and not in_time(e, p))
    all_of_it = refused + sum(e.args[2] for e in done if e.outcome == "ok")
    return (refused + late) / all_of_it if all_of_it else nan


def measure(history: History, p: Setting) -> dict[str, float]:
    """The curve in three numbers, and what the highest load costs whom."""
    begin, end = window_s(p)
    full = p.capacity * (end - begin)
    at = lanes(history, p)
    storms = [[e for e in lane if begin <= e.due < end] for lane in at]
    good = [sum(in_time(e, p) for e in storm) / full for storm in storms]
    top = storms[-1]
    let_in = [e for e in top if e.outcome != "fail"]
    answered = sum(e.outcome == "ok" for e in top)
    return {
        "kept": min(g / min(1.0, len(storm) / full) if storm else nan for g, storm in zip(good, storms, strict=True)),
        "good": good[-1],
        "low": share(storms[0], p),
        "accepted_p99_ms": p99_ms(let_in),
        "late": 1 - share(let_in, p),
        "wasted": wasted(at[-1], p),
        "refused": sum(e.outcome == "fail" for e in top) / len(top) if top else nan,
        "per_answer": sum(map(by_server, top)) / answered if answered else nan,
        "never_told": sum(e.outcome == "unknown" for e in top) / len(top) if top else nan,
        "told_late": sum(late_no(e, p) for e in top) / len(top) if top else nan,
        "critical_lost": lost([e for e in top if e.args[3]], p),
        "other_lost": lost([e for e in top if not e.args[3]], p),
        "after": share([e for e in at[-1] if e.due >= end], p),
    }


def audit(history: History, held: Held, p: Setting) -> dict[str, float]:
    """What the servers' own lists of jobs say: whether answers, and refusals, were worked for where they were asked."""
    at = lanes(history, p)
    jobs = [held.machines[name].jobs if (name := f"server {i}") in held.machines else () for i in range(p.steps)]
    refusal_s = p.refuse * work_s(p)
    told = [[(e.end, e.args[2]) for e in lane if e.outcome == "ok"] for lane in at]
    done = [[(end, work) for _, end, work in of_server if end is not None] for of_server in jobs]
    unpaid = (
        sum(map(by_server, lane)) - sum(abs(work - refusal_s) < 1e-8 for _, _, work in of_server)
        for lane, of_server in zip(at, jobs, strict=True)
    )
    return {
        "owed_s": max(owed(answers, work) for answers, work in zip(told, done, strict=True)),
        "unpaid": max(0, *unpaid),
        "capacity": held.capacity / (p.steps * p.workers),
    }


def cliff(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Answers in time, by load; both in per cent of the capacity."""
    begin, end = window_s(p)
    full = p.capacity * (end - begin)
    good = [sum(in_time(e, p) and begin <= e.due < end for e in lane) / full for lane in lanes(history, p)]
    return {"goodput": [(100 * load, 100 * g) for load, g in zip(loads(p), good, strict=True)]}


def storm(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Answers in time at the highest load, before, in and after the storm, in per cent of the capacity."""
    step = run_s(p) / BINS
    counts = Counter(int(e.due / step) for e in lanes(history, p)[-1] if in_time(e, p))
    return {"goodput": [(k * step, 100 * counts[k] / (p.capacity * step)) for k in range(BINS)]}


def who(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Who is lost at the highest load, in per cent."""
    begin, end = window_s(p)
    top = [e for e in lanes(history, p)[-1] if begin <= e.due < end]
    both = (("critical", [e for e in top if e.args[3]]), ("others", [e for e in top if not e.args[3]]))
    return {"lost": [(name, 100 * lost(events, p)) for name, events in both if events]}


# --- what theory says ------------------------------------------------------------------------------------------------
def left_by_refusals(load: float, refuse: float) -> float:
    """What the server has left for answers if it refuses whoever it cannot serve: s + c (L - s) = 1."""
    return max(0.0, (1 - refuse * load) / (1 - refuse)) if refuse < 1 else 0.0


def left_by_throttles(k: float, refuse: float) -> float:
    """The same if clients send k times what is accepted, and no more: s + c (k - 1) s = 1."""
    return 1 / (1 + refuse * (k - 1))


def gamma_below(n: int, rate: float, seconds: float) -> float:
    """How likely n exponential times of this rate together take no longer."""
    term = total = exp(-rate * seconds)
    for i in range(1, n):
        term *= rate * seconds / i
        total += term
    return 1 - total


def bounded_goodput(p: Setting, cap: int) -> float:
    """Answers in time as a share of the capacity, with so many places to wait and refusals that cost nothing: M/M/k/K.

    Who finds j others waiting is begun after j + 1 departures, each 1 / capacity, and is served himself.
    """
    mu, own, late_s = p.capacity, p.capacity / p.workers, p.deadline_s
    offered = p.load * p.workers
    free = [offered**n / factorial(n) for n in range(p.workers)]
    busy = [offered**p.workers / factorial(p.workers) * p.load**j for j in range(cap + 1)]
    stretch = mu / (mu - own)
    at_once = 1 - exp(-own * late_s)
    queued = (
        gamma_below(j + 1, mu, late_s) - exp(-own * late_s) * stretch ** (j + 1) * gamma_below(j + 1, mu - own, late_s)
        for j in range(cap)
    )
    timely = sum(free) * at_once + sum(w * q for w, q in zip(busy, queued, strict=False))
    return p.load * timely / (sum(free) + sum(busy))


def half_bound(p: Setting) -> float:
    """The bound at which half of the capacity is lost, between whole places by a straight line."""
    before, cap = inf, 1
    while (now := bounded_goodput(p, cap)) >= 0.5:
        before, cap = now, cap + 1
    return cap - (0.5 - now) / (before - now) if before < inf else cap
