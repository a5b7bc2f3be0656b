"""Numbers about numbers: percentiles, latencies of those never answered, intervals over seeds, Little's law.

Plain Python on lists: a run has a handful of seeds, and NumPy would cost more to import than it saves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from random import Random

from windtunnel.lab.history import Event
from windtunnel.sim.tier import native

MOVED = 0.05
"""By which share requests that were never answered may move a latency before it is unknown."""
EQUAL_SEEDS = 6
"""Fewest seeds that, when all are equal, say something of a mean. Equal samples show no spread to reckon with, so all
that is left is the sign test (Dixon & Mood, The Statistical Sign Test, JASA 41, 1946): six on one side have
probability 2 / 2^6 < 0.05 where either side is as likely, five still 2 / 2^5 > 0.05."""


def mean(samples: Sequence[float]) -> float:
    """The arithmetic mean; NaN of nothing."""
    return math.fsum(samples) / len(samples) if samples else math.nan


class NotMeasurable(float):
    """A number that is none (NaN), and why it could not be measured: of what depends on the machine of the day.

    A claim that speaks of it is unknown, and says why.
    """

    why: str

    def __deepcopy__(self, memo: object) -> NotMeasurable:
        return self  # by float's own copy it would lose its reason


def not_measurable(why: str) -> float:
    """What `measure` returns in the place of a number that this machine did not let it measure.

    Args:
        why: the reason, as it goes on after "not measurable here, because".
    """
    found = NotMeasurable("nan")
    found.why = why
    return found


def enough(count: int, q: float) -> bool:
    """Whether so many samples have a `q`-th percentile: at least one must be expected beyond it, n >= 1 / (1 - q).

    The least and the greatest (0 and 100) are there as soon as anything is. p99 needs 100 samples, p99.9 needs 1,000.
    """
    beyond = min(q, 100 - q)
    return count > 0 and (beyond == 0 or count * beyond >= 100 * (1 - 1e-9))


def percentile(samples: Iterable[float], q: float) -> float:
    """The `q`-th percentile (0 to 100) of raw samples, linear between neighbours; NaN of too few (`enough`)."""
    return percentiles(samples, (q,))[0]


def percentiles(samples: Iterable[float], qs: Sequence[float]) -> list[float]:
    """Several percentiles with one sort. There is no way to combine percentiles of parts: give all samples at once."""
    ordered = sorted(samples)
    found = []
    for q in qs:
        if not 0 <= q <= 100:
            raise ValueError(f"The {q}-th percentile does not exist; take a number from 0 to 100.")
        if not enough(len(ordered), q):
            found.append(math.nan)
            continue
        place = (len(ordered) - 1) * q / 100
        below = math.floor(place)
        low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
        # Equal neighbours may be infinite, and infinity minus itself is no number.
        found.append(low if low == high or place == below else low + (high - low) * (place - below))
    return found


def latency_percentiles(events: Iterable[Event], qs: Sequence[float]) -> list[float]:
    """Percentiles of the seconds from due to answered, over all requests; NaN where they cannot be told.

    A request that failed, timed out or was still waiting at the end has not been answered: its latency is censored, at
    least as long as it waited and perhaps infinite. Between these two bounds every percentile lies; it is given (the
    upper one) where they differ by less than `MOVED`, and no number where those who were not answered could move it:
    a service that answers a third of its requests has no p99, however fast that third was.
    """
    return percentiles_between(*waits(events), qs)


def percentiles_between(answered: Sequence[float], waited: Sequence[float], qs: Sequence[float]) -> list[float]:
    """`latency_percentiles`, of the latencies of requests that were answered, and how long the others waited."""
    if not waited:
        return percentiles(answered, qs)
    least = percentiles([*answered, *waited], qs)
    most = percentiles([*answered, *[math.inf] * len(waited)], qs)
    return [b if b < math.inf and b - a <= MOVED * b else math.nan for a, b in zip(least, most, strict=True)]


def latency_mean(events: Iterable[Event]) -> float:
    """Mean seconds from due to answered; NaN as soon as one request was never answered: nobody knows its latency."""
    answered, waited = waits(events)
    return math.nan if waited else mean(answered)


def waits(events: Iterable[Event]) -> tuple[list[float], list[float]]:
    """Seconds from due to answered, of the requests that were; and from due to the end, of the others."""
    events = tuple(events)
    found: tuple[list[float], list[float]] | None = None if native is None else native.latencies(events)
    if found is not None:
        return found
    # Two passes without a call a request: this is done for every request of every run.
    answered = [e.end - (e.due if e.due >= 0 else e.start) for e in events if e.outcome == "ok"]
    return answered, [e.end - (e.due if e.due >= 0 else e.start) for e in events if e.outcome != "ok"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and where it lies with the given confidence; bounds are NaN where one sample cannot tell."""

    mean: float
    low: float
    high: float
    n: int

    @property
    def half(self) -> float:
        """Half the width."""
        return (self.high - self.low) / 2


def t_interval(samples: Sequence[float], confidence: float = 0.95) -> Interval:
    """The mean of independent samples (one a seed), by Student's t.

    Of equal samples it is a point, which is no certainty: who judges by it asks for `EQUAL_SEEDS` of them.
    """
    n, middle = len(samples), mean(samples)
    if n < 2 or not math.isfinite(middle):
        return Interval(middle, math.nan, math.nan, n)
    if min(samples) == max(samples):  # else rounding makes a mean that is none of them, and an interval of dust
        return Interval(samples[0], samples[0], samples[0], n)
    variance = math.fsum((x - middle) ** 2 for x in samples) / (n - 1)
    half = t_quantile(confidence, n - 1) * math.sqrt(variance / n)
    return Interval(middle, middle - half, middle + half, n)


def bootstrap_interval(
    samples: Sequence[float],
    statistic: Callable[[Sequence[float]], float] = mean,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Any statistic of independent samples, by the percentile bootstrap (Efron & Tibshirani 1993, ch. 13)."""
    value, n = statistic(samples), len(samples)
    if n < 2:
        return Interval(value, math.nan, math.nan, n)
    random = Random(seed)
    found = [statistic(random.choices(samples, k=n)) for _ in repeat(None, resamples)]
    low, high = percentiles(found, ((1 - confidence) * 50, (1 + confidence) * 50))
    return Interval(value, low, high, n)


def paired(ours: Sequence[float], theirs: Sequence[float], confidence: float = 0.95) -> Interval:
    """The mean difference of pairs that shared their luck: far narrower than two intervals beside each other."""
    return t_interval([a - b for a, b in zip(ours, theirs, strict=True)], confidence)


@lru_cache(maxsize=256)
def t_quantile(confidence: float, freedom: int) -> float:
    """How many standard errors on each side hold `confidence` of Student's t with so many degrees of freedom."""
    if not 0 < confidence < 1 or freedom < 1:
        raise ValueError(f"There is no t quantile for confidence {confidence} and {freedom} degrees of freedom.")
    low, high = 0.0, 1.0
    while _t_share(high, freedom) < confidence:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if _t_share(middle, freedom) < confidence:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _t_share(t: float, freedom: int) -> float:
    """The share of Student's t between -t and t (Abramowitz & Stegun 26.7.3 and 26.7.4: exact for whole numbers)."""
    angle = math.atan(t / math.sqrt(freedom))
    cos2 = math.cos(angle) ** 2
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for k in range(3 if odd else 2, freedom + 1, 2):
        total += term
        term *= cos2 * (k - 1) / k
    return (angle + math.sin(angle) * total) * 2 / math.pi if odd else math.sin(angle) * total


@dataclass(frozen=True, slots=True)
class Little:
    """L, λ and W of a history. Little's law says L = λW of any system that is empty before and after."""

    in_system: float
    rate_per_s: float
    mean_time_s: float

    @property
    def gap(self) -> float:
        """How far L is from λW, as a share of L."""
        return abs(self.in_system - self.rate_per_s * self.mean_time_s) / self.in_system if self.in_system else 0.0


def little(events: Iterable[Event]) -> Little:
    """Little's law on a history, L by sweeping over arrivals and departures, W from the events themselves."""
    spans = [(e.due if e.due >= 0 else e.start, e.end) for e in events]
    if not spans:
        return Little(0.0, 0.0, 0.0)
    changes = sorted([(a, 1) for a, _ in spans] + [(b, -1) for _, b in spans])
    begin, finish = changes[0][0], changes[-1][0]
    area, inside, last = 0.0, 0, begin
    for when, change in changes:
        area += inside * (when - last)
        inside, last = inside + change, when
    length = finish - begin
    if length < 1e-9:  # no clock of ours is finer, and a rate over less may be infinite
        return Little(0.0, 0.0, 0.0)
    return Little(area / length, len(spans) / length, mean([b - a for a, b in spans]))
