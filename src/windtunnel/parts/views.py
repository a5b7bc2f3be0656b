"""Views of a history: from what happened to the lines of a chart. Pure functions; times are seconds of the run."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Protocol

Line = list[tuple[float, float]]


class Happened(Protocol):
    """What a view asks of an event of a history."""

    @property
    def end(self) -> float: ...
    @property
    def outcome(self) -> str: ...


def share_of(those: Iterable[bool]) -> float:
    """How many of them are so; 0 of none."""
    found = list(those)
    return sum(found) / len(found) if found else 0.0


def rate(times: Iterable[float], from_s: float, to_s: float) -> float:
    """How often a second it happened between two moments; 0 where there is no time between them."""
    return sum(from_s <= t < to_s for t in times) / (to_s - from_s) if to_s > from_s else 0.0


def per_second(times: Iterable[float], run_s: float) -> Line:
    """How often it happened in each whole second of the run."""
    counts = [0] * int(run_s)
    for t in times:
        if 0 <= t < len(counts):
            counts[int(t)] += 1
    return [(float(second), float(count)) for second, count in enumerate(counts)]


def answered(history: Iterable[Happened]) -> list[float]:
    """When each request was answered that was."""
    return [event.end for event in history if event.outcome == "ok"]


def goodput(history: Iterable[Happened], run_s: float) -> Line:
    """Answers in each second of the run."""
    return per_second(answered(history), run_s)


def so_far(times: Iterable[float]) -> Line:
    """How often it had happened by each moment at which it did."""
    return [(t, float(i)) for i, t in enumerate(sorted(times), start=1)]


def slower_than(latencies_s: Iterable[float]) -> Line:
    """The share of samples that are longer than x, from all of them down to one: for two logarithmic axes.

    Who was never answered (infinity) is among the slower ones of every x, and no x.
    """
    ordered = sorted(latencies_s)
    if not ordered:
        return []
    places = {int((1 - share) * (len(ordered) - 1)) for share in (10 ** (-i / 12) for i in range(85))}
    return [(ordered[place], (len(ordered) - place) / len(ordered)) for place in sorted(places) if ordered[place] < inf]


def nines(samples: Iterable[float]) -> Line:
    """The sample that all but one in x stay below, x from 1 on: latency by how many nines, as far as there are samples.

    The x-axis is 1 / (1 - share), logarithmic: 10 is the 90th percentile, 1000 the 99.9th.
    """
    ordered = sorted(samples)
    line = [(10 ** (i / 12), int((1 - 10 ** (-i / 12)) * len(ordered))) for i in range(85)]
    return [(x, ordered[place]) for x, place in line if x <= len(ordered)]
