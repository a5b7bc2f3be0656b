"""The few operations that contradict each other.

An operation may be left out of the witness only if the contradiction stands whatever that operation did. Three ways to
leave out are sound, and are tried on ever smaller pieces until nothing more can go:

- a pure operation is dropped: it moves nothing, so no other operation needs it;
- all operations that mention some values are dropped together, where the model says that the rest stays legal
  (``Model.footprint``);
- any operation is weakened to one that may have happened at any time, or never, with any answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

from windtunnel.lab.checkers.calls import Call
from windtunnel.lab.checkers.models import UNSEEN, Model

Contradicts = Callable[[list[Call]], bool]
"""True if the calls are proved contradictory; False if they are not, or if that could not be told within the budget."""


@dataclass(frozen=True, slots=True)
class Witness:
    """``calls`` contradict each other; ``around`` are weakened calls that may have happened or not."""

    calls: list[Call]
    around: list[Call]


def smallest(model: Model, calls: Sequence[Call], contradicts: Contradicts) -> Witness:
    """A subset of contradictory calls from which nothing more can be left out, as far as ``contradicts`` can tell."""
    kept = [c for c in calls if c.returned]
    around = [c for c in calls if not c.returned]

    pure = [[c] for c in kept if c.pure]
    kept = _without(kept, pure, lambda rest: contradicts(rest + around))

    everything = kept + around
    groups = _value_groups(model, everything)
    if groups is not None:
        left = _without(everything, groups, contradicts)
        kept = [c for c in left if c.returned]
        around = [c for c in left if not c.returned]

    # Unknown calls still bind by when they began; a weakened one does not even do that.
    bound = kept + around
    free: list[Call] = []
    for piece in _pieces(len(bound)):
        at = 0
        while at < len(bound):
            tried = bound[at : at + piece]
            loose = [_weakened(c) for c in tried if not c.pure]
            rest = bound[:at] + bound[at + piece :]
            if rest and contradicts(rest + free + loose):
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


def _without(calls: list[Call], groups: list[list[Call]], contradicts: Contradicts) -> list[Call]:
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
