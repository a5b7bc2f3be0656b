"""What calls take, by two laws; who makes them; what is measured of the requests, and what can be reckoned of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from math import exp, inf, log, sqrt
from random import Random
from statistics import NormalDist
from typing import Protocol

from windtunnel import Held, History, Op
from windtunnel.parts import slower_than
from windtunnel.statistics import latency_percentiles, t_quantile
from windtunnel.workload import poisson, requests

SLOW, SLOW_S, WORST_S = 0.02, 0.010, 2.0
"""The share of calls that are slow; what they take is a Pareto law with exponent 1 between these bounds."""
MEDIAN_S, SIGMA = 0.003, 0.3
"""The other calls: a lognormal law, cut where the slow ones begin."""
NORMAL = NormalDist()
CUT = log(SLOW_S / MEDIAN_S) / SIGMA
UNCUT = NORMAL.cdf(CUT)
"""The part of the lognormal law that is left."""
SPAN = 1 / SLOW_S - 1 / WORST_S
MEAN_S = (1 - SLOW) * MEDIAN_S * exp(SIGMA**2 / 2) * NORMAL.cdf(CUT - SIGMA) / UNCUT + (
    SLOW * log(WORST_S / SLOW_S) / SPAN
)
"""The mean of both, and that of the exponential law."""
P99 = 0.01
SEEDS = 4
RATE_PER_S = 100.0
"""Requests a second where nothing queues, and it does not matter."""


class Terms(Protocol):
    """The parameters that matter here."""

    @property
    def fan_out(self) -> int: ...
    @property
    def delay_ms(self) -> float: ...
    @property
    def law(self) -> str: ...
    @property
    def load(self) -> float: ...
    @property
    def servers(self) -> int: ...
    @property
    def count(self) -> int: ...


Call = tuple[int, float, int, float]
"""A server, the work that the call is there; another one, and the work that a copy is there."""


def takes_s(law: str, share: float) -> float:
    """The seconds that this share of the calls exceeds."""
    if law == "exponential":
        return -MEAN_S * log(share)
    if share < SLOW:
        return 1 / (1 / WORST_S + share / SLOW * SPAN)
    return MEDIAN_S * exp(SIGMA * NORMAL.inv_cdf(UNCUT * (1 - share) / (1 - SLOW)))


def late(law: str, seconds: float) -> float:
    """The share of the calls that take longer: `takes_s`, the other way round."""
    if law == "exponential" or seconds <= 0:
        return exp(-seconds / MEAN_S)
    if seconds >= SLOW_S:
        return SLOW * (1 / seconds - 1 / WORST_S) / SPAN
    return 1 - (1 - SLOW) * NORMAL.cdf(log(seconds / MEDIAN_S) / SIGMA) / UNCUT


def lot(luck: Random) -> float:
    """A share, as likely as any other, and never 0."""
    return 1 - luck.random()


def calls_of(p: Terms) -> int:
    return min(p.fan_out, p.servers) if p.load else p.fan_out


def workload(p: Terms, luck: Random) -> Iterable[Op]:
    """`ask(calls)`: what each call and its copy are, where there are queues; else each draws what it takes."""
    n = p.servers

    def calls(_: int) -> tuple[tuple[Call, ...]]:
        if not p.load:
            return ((),)
        first, other = luck.randrange(n), luck.randrange(1, n)
        places = [((first + i) % n, (first + i + other) % n) for i in range(calls_of(p))]
        return (tuple((a, takes_s(p.law, lot(luck)), b, takes_s(p.law, lot(luck))) for a, b in places),)

    rate = p.load * n / (calls_of(p) * MEAN_S) if p.load else RATE_PER_S
    return requests(poisson(rate, luck, count=p.count), "ask", calls)


def percentile_s(law: str, fan_out: int, q: float, hedge_s: float = inf) -> float:
    """What the q-th percentile of the requests takes where nothing queues, by halving: all calls have to be in time."""
    low, high = 0.0, WORST_S
    for _ in range(50):
        middle = (low + high) / 2
        both_late = late(law, middle) * late(law, max(0.0, middle - hedge_s))
        low, high = (middle, high) if (1 - both_late) ** fan_out < q / 100 else (low, middle)
    return low


def share_scatter(share: float, count: int) -> float:
    """The standard deviation of a share that is counted in so many."""
    return sqrt(share * (1 - share) / count)


def percentile_scatter_s(law: str, fan_out: int, q: float, hedge_s: float, count: int) -> float:
    """That of a percentile of so many requests where nothing queues: as many more or fewer are beyond it."""
    more = 100 * share_scatter(q / 100, count)
    return (percentile_s(law, fan_out, q + more, hedge_s) - percentile_s(law, fan_out, q - more, hedge_s)) / 2


def band(source: float, expected: float, scatter: float) -> float:
    """Which share of the source's number ours may be off: what the law is, and where the interval of the mean reaches.

    The mean of the seeds lies within two standard deviations, and half of its 95 % interval is Student's t of them.
    """
    return (abs(expected - source) + (2 + t_quantile(0.95, SEEDS - 1)) * scatter / sqrt(SEEDS)) / abs(source)


def edge_of_load(q: float, fan_out: int, delay_s: float) -> float:
    """The load from which on hedges make a percentile worse, for exponential work and queues that know of nothing.

    A call takes exponential time, at a rate of 1 - load without copies. With copies at rate r, and m = -ln of the share
    of the calls that is beyond, the percentile is (m + r delay) / 2r. Both are equal at `rate_at_edge`, and copies let
    that much if load (1 + exp(-r delay)) = 1 - r.
    """
    low, high = 0.0, 1.0
    for _ in range(50):
        load = (low + high) / 2
        many, delay = -log(beyond_call(q, fan_out)), delay_s / MEAN_S
        rate = (1 - load) * many / (2 * many - (1 - load) * delay)
        low, high = (load, high) if load * (1 + exp(-rate * delay)) < 1 - rate else (low, load)
    return low


def beyond_call(q: float, fan_out: int) -> float:
    """The share of the calls that take longer than the q-th percentile of the requests."""
    return 1 - exp(log(q / 100) / fan_out)


def edge_as_text(q: float, fan_out: int) -> str:
    """`edge_of_load` as a condition on load and delay, for a map."""
    many, mean_ms = f"{-log(beyond_call(q, fan_out)):.4g}", f"{1e3 * MEAN_S:.4g}"
    rate = f"(1 - load) * {many} / (2 * {many} - (1 - load) * delay_ms / {mean_ms})"
    return f"load * (1 + {exp(1):.6g} ** (-{rate} * delay_ms / {mean_ms})) < 1 - {rate}"


def beyond(sorted_s: Sequence[float], seconds: float) -> int:
    """How many take longer."""
    return len(sorted_s) - bisect_right(sorted_s, seconds)


def measure(history: History, p: Terms) -> dict[str, float]:
    """Percentiles of the requests; copies as a share of the calls; what servers did, in shares of the first calls."""
    p50, p95, p99, p999 = latency_percentiles(history, (50, 95, 99, 99.9))
    told = history.where(outcome="ok")
    took_s = sorted(e.latency for e in told)
    work_s = sum(work_s for e in history for _, work_s, _, _ in e.args[0])
    made = len(history) * calls_of(p)
    return {
        "p50_ms": p50 * 1e3,
        "p95_ms": p95 * 1e3,
        "p99_ms": p99 * 1e3,
        "p999_ms": p999 * 1e3,
        "extra": history.facts["copies"] / made if made else 0.0,
        "late": late(p.law, p.delay_ms / 1e3),
        "work": history.facts["busy_s"] / work_s if work_s else 1.0,
        "server_p99_ms": takes_s(p.law, P99) * 1e3,
        "beyond_p99": beyond(took_s, takes_s(p.law, P99)) / max(1, len(history)),
        "beyond_p9999": beyond(took_s, takes_s(p.law, P99**2)) / max(1, len(history)),
        "taken": min((e.value for e in told), default=0) / calls_of(p),
        "taken_most": max((e.value for e in told), default=0) / calls_of(p),
    }


def audit(history: History, held: Held, p: Terms) -> dict[str, float]:
    """Calls of answered requests that neither of their two places had done by then, and what the servers can do."""
    done_s = {
        (name, round(work_s * 1e9)): done_s
        for name, machine in held.machines.items()
        for _, done_s, work_s in machine.jobs
        if done_s is not None
    }

    def served(server: int, work_s: float, by_s: float) -> bool:
        return done_s.get((f"server {server}", round(work_s * 1e9)), inf) <= by_s + 1e-9

    unserved = sum(
        not (served(a, one_s, e.end) or served(b, other_s, e.end))
        for e in history.where(outcome="ok")
        for a, one_s, b, other_s in e.args[0]
    )
    return {"unserved": unserved, "capacity": held.capacity / p.servers}


def slower(history: History, p: Terms) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Which share of the requests takes longer than x milliseconds."""
    return {"requests": slower_than(e.latency * 1e3 for e in history)}
