"""When requests come, what they ask for, and how much of it: pure functions of numbers and a generator.

Arrival times are in seconds from the start of the run. Sources: Poisson processes whose rate varies are thinned ones
(Lewis & Shedler 1979); Zipf's law is sampled by inverting the distribution function.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from random import Random
from typing import Any

from windtunnel.lab.history import Op


# --- when: open loop ---------------------------------------------------------------------------------------------
def poisson(
    rate_per_s: float, random: Random, *, count: int | None = None, until_s: float = math.inf
) -> Iterator[float]:
    """Arrivals that know nothing of each other, at this rate: so many, or until this second."""
    _positive(rate_per_s=rate_per_s)
    if count is None and until_s == math.inf:
        raise ValueError("A Poisson workload needs a count or until_s; arrivals without an end make no workload.")
    now, made = 0.0, 0
    while count is None or made < count:
        now += random.expovariate(rate_per_s)
        if now >= until_s:
            return
        made += 1
        yield now


def evenly(rate_per_s: float, count: int) -> Iterator[float]:
    """Arrivals like a clock's ticks, the first at 0."""
    _positive(rate_per_s=rate_per_s)
    return (i / rate_per_s for i in range(count))


def at_once(count: int, at_s: float = 0.0) -> Iterator[float]:
    """All at the same moment: a stampede."""
    return (at_s for _ in range(count))


def varying(rate_at: Callable[[float], float], peak_per_s: float, until_s: float, random: Random) -> Iterator[float]:
    """Poisson arrivals whose rate is a function of time that never exceeds `peak_per_s`."""
    for now in poisson(peak_per_s, random, until_s=until_s):
        rate = rate_at(now)
        if not 0 <= rate <= peak_per_s:
            raise ValueError(f"The rate is {rate} per second at {now:.3f} s; it must stay from 0 to {peak_per_s}.")
        if random.random() * peak_per_s < rate:
            yield now


def bursts(
    base_per_s: float, burst_per_s: float, every_s: float, length_s: float, until_s: float, random: Random
) -> Iterator[float]:
    """A steady rate with bursts of another: one of `length_s` at the end of each `every_s`."""
    _positive(every_s=every_s)

    def rate(now: float) -> float:
        return burst_per_s if now % every_s >= every_s - length_s else base_per_s

    return varying(rate, max(base_per_s, burst_per_s), until_s, random)


def ramp(from_per_s: float, to_per_s: float, until_s: float, random: Random) -> Iterator[float]:
    """A rate that goes from one to the other in a straight line."""
    return varying(
        lambda now: from_per_s + (to_per_s - from_per_s) * now / until_s, max(from_per_s, to_per_s), until_s, random
    )


def diurnal(
    mean_per_s: float, swing: float, until_s: float, random: Random, period_s: float = 86_400.0
) -> Iterator[float]:
    """Day and night: a sine around the mean, lowest at second 0, `swing` (0 to 1) of the mean up and down."""
    if not 0 <= swing <= 1:
        raise ValueError(f"swing is {swing}; it is a share of the mean, from 0 to 1.")
    return varying(
        lambda now: mean_per_s * (1 - swing * math.cos(2 * math.pi * now / period_s)),
        mean_per_s * (1 + swing),
        until_s,
        random,
    )


def recorded(times_s: Iterable[float], speed: float = 1.0) -> Iterator[float]:
    """Arrivals that were seen somewhere, from the first one on, `speed` times as fast."""
    _positive(speed=speed)
    ordered = sorted(times_s)
    return ((t - ordered[0]) / speed for t in ordered)


def requests(
    times_s: Iterable[float],
    name: str,
    args: Callable[[int], tuple[Any, ...]] | None = None,
    client: Callable[[int], str] | None = None,
) -> Iterator[Op]:
    """A request for each arrival. `args` and `client` are functions of its number; without `client` each
    request comes from a client of its own."""
    for i, at in enumerate(times_s):
        yield Op(at, client(i) if client else f"client {i}", name, args(i) if args else ())


# --- when: closed loop -------------------------------------------------------------------------------------------
def thinking(
    clients: int,
    each: int,
    think_s: float,
    random: Random,
    name: str,
    args: Callable[[int], tuple[Any, ...]] | None = None,
) -> Iterator[Op]:
    """Clients that wait for an answer, think (exponentially, `think_s` on average) and ask again, `each` times.

    A closed loop: when the system is slow, its clients ask less. Think time 0 is a loop without a pause.
    """
    for i in range(clients * each):
        pause = random.expovariate(1 / think_s) if think_s > 0 else 0.0
        yield Op(0.0, f"client {i % clients}", name, args(i) if args else (), think_s=pause)


def batches(name: str, items: Iterable[Any], client: str = "batch") -> Iterator[Op]:
    """One piece of work after the other, each begun when the last is done: how computation is driven."""
    return (Op(0.0, client, name, (item,), think_s=0.0) for item in items)


# --- what and how much -------------------------------------------------------------------------------------------
class Zipf:
    """Keys 0 to `count` - 1, the k-th with weight 1 / (k + 1) ** `exponent`: a few are asked for all the time."""

    def __init__(self, count: int, exponent: float = 1.0) -> None:
        _positive(count=count)
        self._sums = list(accumulate((k + 1) ** -exponent for k in range(count)))

    def draw(self, random: Random) -> int:
        """One key."""
        return bisect_left(self._sums, random.random() * self._sums[-1])


class HotKeys:
    """Keys 0 to `count` - 1; the first `hot` of them share `share` of the requests evenly."""

    def __init__(self, count: int, hot: int, share: float) -> None:
        if not 0 < hot < count or not 0 <= share <= 1:
            raise ValueError(
                f"{hot} hot keys of {count} with a share of {share}: take 0 < hot < count, 0 <= share <= 1."
            )
        self._count, self._hot, self._share = count, hot, share

    def draw(self, random: Random) -> int:
        """One key."""
        if random.random() < self._share:
            return random.randrange(self._hot)
        return random.randrange(self._hot, self._count)


def lognormal(mean: float, variation: float, random: Random) -> float:
    """A positive amount with this mean and coefficient of variation; constant where that is 0."""
    _positive(mean=mean)
    if variation == 0:
        return mean
    spread2 = math.log(1 + variation**2)
    return random.lognormvariate(math.log(mean) - spread2 / 2, math.sqrt(spread2))


def shares(weights: Sequence[float], random: Random) -> int:
    """An index, each as often as its weight says."""
    return random.choices(range(len(weights)), weights)[0]


def _positive(**given: float) -> None:
    for name, value in given.items():
        if not value > 0:
            raise ValueError(f"{name} is {value}; it must be more than 0.")
