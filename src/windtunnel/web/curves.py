"""What a time line shows of a trace: faults as spans, counts and latencies by columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any, Final

from windtunnel.lab.history import OUTCOMES
from windtunnel.lab.trace.reading import waiting_anywhere, weight
from windtunnel.lab.trace.records import NEVER, Attempt, Trace

BINS: Final = 160
"""Columns of a curve, at most: about as many as a narrow screen can tell apart. Fewer where few requests come."""
FAULT: Final = re.compile(r"Fault (\d+)( ends)?: (.*)")
"""The marks that a fault leaves where it begins and ends."""
_DIGITS: Final = re.compile(r"\d+$")


# --- what goes wrong -----------------------------------------------------------------------------------------------
def faults(trace: Trace) -> list[dict[str, Any]]:
    """Each fault that struck: from when until when (-1: to the end), in which words, and which things it struck."""
    found: dict[int, dict[str, Any]] = {}
    for mark in trace.marks:
        told = FAULT.match(mark.sentence)
        if told is None:
            continue
        number = int(told[1])
        if told[2]:
            if number in found:
                found[number]["until"] = mark.at
        else:
            things = sorted({change.thing for change in trace.changes if change.why == number})
            found[number] = {"number": number, "at": mark.at, "until": NEVER, "words": told[3], "things": things}
    return list(found.values())


# --- curves --------------------------------------------------------------------------------------------------------
def _width(end: int, requests: int) -> int:
    """Units of a column: 1, 2 or 5 times a power of ten."""
    most, power = min(BINS, max(30, requests // 4)), 1
    while True:
        for width in (power, 2 * power, 5 * power):
            if end < width * most:
                return width
        power *= 10


class _Spent:
    """Time by columns: how much of each column stretches cover, counted at their ends alone."""

    def __init__(self, count: int, width: int) -> None:
        self._width = width
        self._parts = [0.0] * (count + 1)
        self._whole = [0.0] * (count + 1)

    def add(self, start: int, end: int, times: float) -> None:
        first, last = start // self._width, end // self._width
        self._parts[first] -= (start - first * self._width) * times
        self._parts[last] += (end - last * self._width) * times
        self._whole[first] += times
        self._whole[last] -= times

    def sums(self) -> list[int]:
        """The first column to the last, in units."""
        whole = [n * self._width for n in accumulate(self._whole)]
        return [round(one + part) for one, part in zip(whole[:-1], self._parts[:-1], strict=True)]


def _in_background(trace: Trace, one: Attempt) -> bool:
    """Nobody waits for it, and nobody gave it up: the request was answered by something else, and this is for later.

    What is sent when the answer is there already is for later. An answer that comes second, of a request that was asked
    twice, is not: its like was used.
    """
    request = trace.request(one.request)
    if request is None or request.outcome != "ok" or one.until >= 0 or one.fate != "served":
        return False
    if one.sent >= request.end:
        return True
    kin = _DIGITS.sub("", one.target)
    return not any(other.used and _DIGITS.sub("", other.target) == kin for other in trace.of("attempts", one.request))


def _stops(trace: Trace) -> dict[str, list[tuple[int, int]]]:
    """When things stood still: what is inside of them is not worked on."""
    found: dict[str, list[tuple[int, int]]] = {}
    since: dict[str, int] = {}
    for change in trace.changes:
        if change.facet not in ("speed", "runs"):
            continue
        if change.state in ("0", "paused"):
            since.setdefault(change.thing, change.at)
        elif change.thing in since:
            found.setdefault(change.thing, []).append((since.pop(change.thing), change.at))
    for thing, at in since.items():
        found.setdefault(thing, []).append((at, trace.run.end))
    return found


def _worked(begun: int, ended: int, stops: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The parts of a stretch in which there was work."""
    for start, end in stops:
        if end <= begun or start >= ended:
            continue
        if start > begun:
            yield begun, start
        begun = max(begun, min(end, ended))
    if begun < ended:
        yield begun, ended


def curves(trace: Trace) -> dict[str, Any]:
    """What happened in each column of the time line.

    Counts are of all requests, estimated where the trace keeps a sample. `asked` are those due; `ok`, `fail` and
    `unknown` those that ended so; `nobody` are answers that reached nobody; `turned` who was turned away; `waiting`
    waits before a server at the end of the column; `p99` is the latency of what ended, in units (-1: nothing). `work`
    is the time that workers spent on what reached somebody, `waste` that on what did not, in units: also what was begun
    and withdrawn, or lost in a crash.
    """
    width = _width(trace.run.end, trace.run.requests)
    count = trace.run.end // width + 1
    columns = {kind: [0.0] * count for kind in ("asked", *OUTCOMES, "nobody", "turned")}
    latencies: list[list[int]] = [[] for _ in range(count)]
    weights = {r.id: weight(trace, r.id) if trace.run.share < 1 else 1.0 for r in trace.requests}
    for r in trace.requests:
        columns["asked"][min(count - 1, r.due // width)] += weights[r.id]
        if r.end >= 0:
            place = min(count - 1, r.end // width)
            columns[r.outcome][place] += weights[r.id]
            latencies[place].append(r.end - r.due)
    stops = _stops(trace)
    work, waste = _Spent(count, width), _Spent(count, width)
    for a in trace.attempts:
        stands_for = weights.get(a.request, 1.0)
        ended = a.ended if a.ended >= 0 else trace.run.end
        place = min(count - 1, ended // width)
        if a.fate == "rejected":
            columns["turned"][place] += stands_for
        elif a.begun >= 0 and a.request in weights:
            wasted = not a.used and not (a.ended < 0 and not 0 <= a.until < ended) and not _in_background(trace, a)
            book, still = waste if wasted else work, stops.get(a.target)
            for start, end in _worked(a.begun, ended, still) if still else ((a.begun, ended),):
                book.add(start, end, stands_for)
            if wasted and a.fate == "served":
                columns["nobody"][place] += stands_for
    moments_s = [min((i + 1) * width, trace.run.end) * trace.unit_s for i in range(count)]
    return {
        "width": width,
        **{kind: [round(value) for value in column] for kind, column in columns.items()},
        "work": work.sums(),
        "waste": waste.sums(),
        "waiting": waiting_anywhere(trace, moments_s),
        "p99": [sorted(some)[(len(some) * 99) // 100 - (len(some) % 100 == 0)] if some else -1 for some in latencies],
    }


def latency(trace: Trace) -> dict[str, int]:
    """How long requests take, in units: those that are open at the end as long as they were seen. 0 without any."""
    spans = sorted((r.end if r.end >= 0 else trace.run.end) - r.due for r in trace.requests)
    ranks = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "most": 1.0}
    return {name: spans[min(len(spans) - 1, int(len(spans) * share))] if spans else 0 for name, share in ranks.items()}
