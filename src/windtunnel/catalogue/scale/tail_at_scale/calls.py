"""What calls take, and two laws of it, and who makes them."""

from __future__ import annotations

from collections.abc import Iterable
from math import exp, log
from random import Random
from statistics import NormalDist
from typing import TYPE_CHECKING

from windtunnel import Op
from windtunnel.workload import poisson, requests

if TYPE_CHECKING:
    from windtunnel.catalogue.scale.tail_at_scale import Params

SLOW, SLOW_S, WORST_S = 0.02, 0.010, 2.0
"""The share of calls that are slow; what they take is a Pareto law with exponent 1 between these bounds."""
MEDIAN_S, SIGMA = 0.003, 0.3
"""The other calls: a lognormal law, cut where the slow ones begin."""
NORMAL = NormalDist()
CUT = log(SLOW_S / MEDIAN_S) / SIGMA
MEAN_S = (1 - SLOW) * MEDIAN_S * exp(SIGMA**2 / 2) * NORMAL.cdf(CUT - SIGMA) / NORMAL.cdf(CUT) + (
    SLOW * log(WORST_S / SLOW_S) / (1 / SLOW_S - 1 / WORST_S)
)
"""The mean of both, and that of the exponential law."""
P99 = 0.01
RATE_PER_S = 100.0
"""Requests a second where nothing queues, and it does not matter."""
Call = tuple[int, float, int, float]
"""A server, the work that the call is there; another one, and the work that a copy is there."""


def takes_s(law: str, share: float) -> float:
    """The seconds that this share of the calls exceeds."""
    if law == "exponential":
        return -MEAN_S * log(share)
    if share < SLOW:
        return 1 / (1 / WORST_S + share / SLOW * (1 / SLOW_S - 1 / WORST_S))
    return MEDIAN_S * exp(SIGMA * NORMAL.inv_cdf(NORMAL.cdf(CUT) * (1 - share) / (1 - SLOW)))


def late(law: str, seconds: float) -> float:
    """The share of the calls that take longer: `takes_s`, the other way round."""
    if law == "exponential" or seconds <= 0:
        return exp(-seconds / MEAN_S)
    if seconds >= SLOW_S:
        return SLOW * (1 / seconds - 1 / WORST_S) / (1 / SLOW_S - 1 / WORST_S)
    return 1 - (1 - SLOW) * NORMAL.cdf(log(seconds / MEDIAN_S) / SIGMA) / NORMAL.cdf(CUT)


def lot(luck: Random) -> float:
    """A share, as likely as any other, and never 0."""
    return 1 - luck.random()


def calls_of(p: Params) -> int:
    return min(p.fan_out, p.servers) if p.load else p.fan_out


def workload(p: Params, luck: Random) -> Iterable[Op]:
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
