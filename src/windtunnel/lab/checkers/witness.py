"""The few operations that contradict each other.

An operation may be left out of the witness only if the contradiction stands whatever that operation did. Four ways to
leave out are sound, and are tried on ever smaller pieces until nothing more can go:

- the past is dropped, where the model names all its states: the rest is contradictory from each of them, and what was
  under way at the cut is weakened (see below);
- a pure operation is dropped: it moves nothing, so no other operation needs it;
- all operations that mention some values are dropped together, where the model says that the rest stays legal
  (`Model.footprint`);
- any operation is weakened to one that may have happened at any time, or never, with any answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from windtunnel.lab.checkers.calls import Call
from windtunnel.lab.checkers.models import UNSEEN, Model

Starts = frozenset[Hashable] | None
"""The states to start from; None: the model's own."""
Contradicts = Callable[[list[Call], Starts], bool]
"""True if the calls are proved contradictory; False if they are not, or if that could not be told within the budget."""


@dataclass(frozen=True, slots=True)
class Witness:
    """`calls` contradict each other; `around` are weakened calls that may have happened or not."""

    calls: list[Call]
    around: list[Call]


def smallest(model: Model, calls: Sequence[Call], contradicts: Contradicts, *, timed: bool = True) -> Witness:
    """A subset of contradictory calls from which nothing more can be left out, as far as `contradicts` can tell.

    `timed` says that real time orders the calls, so that the past can be cut off.
    """
    bound, free, starts = list(calls), list[Call](), None
    if timed:
        bound, free, starts = _recent(model, bound, contradicts)
    bound = _without(bound, [[c] for c in bound if c.pure], lambda rest: contradicts(rest + free, starts))
    groups = _value_groups(model, bound + free)
    if groups is not None:
        left = {id(c) for c in _without(bound + free, groups, lambda rest: contradicts(rest, starts))}
        bound, free = [c for c in bound if id(c) in left], [c for c in free if id(c) in left]
    # Unknown calls still bind by when they began; a weakened one does not even do that.
    for piece in _pieces(len(bound)):
        at = 0
        while at < len(bound):
            tried = bound[at : at + piece]
            loose = [_weakened(c) for c in tried if not c.pure]
            rest = bound[:at] + bound[at + piece :]
            if rest and contradicts(rest + free + loose, starts):
                bound, free = rest, free + loose
            else:
                at += piece
    return Witness(sorted(bound, key=lambda c: (c.start, c.end)), free)


def _weakened(call: Call) -> Call:
    return replace(call, value=UNSEEN, start=-math.inf, end=math.inf)


def _pieces(n: int) -> Iterator[int]:
    """Sizes to try: halves of halves down to one, and one again, since a later loss may free an earlier one."""
    size = n // 2
    while size > 1:
        yield size
        size //= 2
    yield 1
    yield 1


def _recent(model: Model, calls: list[Call], contradicts: Contradicts) -> tuple[list[Call], list[Call], Starts]:
    """The calls that began after the latest moment from which they are contradictory in any state, and those that may
    have been under way then."""
    states = {model.initial()}
    for c in calls:
        brought = model.leaves(c.op, c.args)
        if brought is None:
            return calls, [], None
        states.update(brought)
    starts = frozenset(states)
    cuts = sorted({c.end for c in calls if c.returned})

    def recent(size: int) -> tuple[list[Call], list[Call], Starts] | None:
        cut = cuts[-size]
        after = [c for c in calls if c.start > cut]
        crossing = [_weakened(c) for c in calls if c.start <= cut < c.end and not c.pure]
        return (after, crossing, starts) if after and contradicts(after + crossing, starts) else None

    # Small windows are cheap to search: grow until one is contradictory, then halve the way back.
    low, high, best = 0, 1, None
    while high <= len(cuts) and (best := recent(high)) is None:
        low, high = high, 2 * high
    if best is None:
        return calls, [], None
    while high - low > 1:
        middle = (low + high) // 2
        smaller = recent(middle)
        if smaller is None:
            low = middle
        else:
            high, best = middle, smaller
    return best


def _without(calls: list[Call], groups: list[list[Call]], contradicts: Callable[[list[Call]], bool]) -> list[Call]:
    """The calls less as many whole groups as can go."""
    for piece in _pieces(len(groups)):
        at = 0
        while at < len(groups):
            gone = {id(c) for g in groups[at : at + piece] for c in g}
            rest = [c for c in calls if id(c) not in gone]
            if rest and contradicts(rest):
                calls = rest
                groups = groups[:at] + groups[at + piece :]
            else:
                at += piece
    return calls


def _value_groups(model: Model, calls: Sequence[Call]) -> list[list[Call]] | None:
    """Calls joined by the values that they share, or None where values do not separate them."""
    parent: dict[Hashable, Hashable] = {}

    def root(value: Hashable) -> Hashable:
        while parent[value] != value:
            parent[value] = parent[parent[value]]
            value = parent[value]
        return value

    mentioned: list[tuple[Hashable, ...]] = []
    for c in calls:
        values = model.footprint(c.op, c.args, c.value)
        if values is None:
            return None
        mentioned.append(values)
        for v in values:
            parent.setdefault(v, v)
        for v in values[1:]:
            parent[root(v)] = root(values[0])
    groups: dict[Hashable, list[Call]] = {}
    for c, values in zip(calls, mentioned, strict=True):
        if values:
            groups.setdefault(root(values[0]), []).append(c)
    return list(groups.values())
