"""What to move from busy hosts to such as have little to do. It knows no more of keys than their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from windtunnel.catalogue.scale.range_or_hash.records import Key, Span

BUSY = 0.9
"""From this share of its time on a host has too much to do."""
LEAST = 0.1
"""What takes less of a host's time than that is not worth a move."""


class Held(NamedTuple):
    """Whose a range is, and which share of a host's time was asked for under which keys of it."""

    owner: str
    work: Mapping[Key, float]


class Shift(NamedTuple):
    """Something to move: a range, or what is above or below a cut of one."""

    span: Span
    cut: Key | None
    source: str
    target: str


def plan(ranges: Mapping[Span, Held], hosts: Sequence[str]) -> list[Shift]:
    """From the busiest host to the one that has the least to do, as many times as there are hosts, whatever evens the
    two out best: a range or its upper end, or else its lower one."""
    ranges, steps = dict(ranges), list[Shift]()
    for _ in hosts:
        loads = dict.fromkeys(hosts, 0.0)
        for held in ranges.values():
            loads[held.owner] += sum(held.work.values())
        source, target = max(hosts, key=loads.__getitem__), min(hosts, key=loads.__getitem__)
        too_much = loads[source] - loads[target]
        if loads[source] < BUSY:
            break
        found = [
            (whole, *piece) for whole, held in ranges.items() if held.owner == source for piece in pieces(whole, held)
        ]
        fitting = [one for one in found if LEAST <= one[3] < too_much]
        if not fitting:
            break
        upper = [one for one in fitting if one[1].end == one[0].end]
        whole, span, cut, _ = min(upper or fitting, key=lambda one: abs(one[3] - too_much / 2))
        steps.append(Shift(span, cut, source, target))
        work = ranges.pop(whole).work
        for part in (span, *without(whole, span)):
            owner = target if part == span else source
            ranges[part] = Held(owner, {key: share for key, share in work.items() if part.has(key)})
    return steps


def pieces(whole: Span, held: Held) -> list[tuple[Span, Key | None, float]]:
    """What could be moved of a range, where it is to be cut, and the share of a host's time that it takes."""
    keys: list[Any] = sorted(held.work)
    sums = list(accumulate(held.work[key] for key in keys))
    found: list[tuple[Span, Key | None, float]] = [(whole, None, sums[-1])] if keys else []
    for at, below in zip(keys[1:], sums, strict=False):
        found.append((Span(at, whole.end), at, sums[-1] - below))
        found.append((Span(whole.start, at), at, below))
    return found


def shares(lately: Sequence[tuple[Key, float]], window_s: float) -> dict[Key, float]:
    """Which share of the time was asked for under each key, of keys and seconds of work."""
    work: Counter[Key] = Counter()
    for key, work_s in lately:
        work[key] += work_s / window_s  # type: ignore[assignment]
    return dict(work)


def without(span: Span, other: Span) -> list[Span]:
    """What is left of a stretch of keys without another."""
    common = span.within(other)
    if common is None:
        return [span]
    parts = []
    if common.start != span.start:
        parts.append(Span(span.start, common.start))
    if common.end != span.end:
        parts.append(Span(common.end, span.end))
    return parts
