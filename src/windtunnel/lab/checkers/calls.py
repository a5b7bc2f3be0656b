"""Histories made ready for a search: calls with hashable values, split into independent parts."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace

from windtunnel.lab.checkers.models import UNSEEN, Model, Values
from windtunnel.lab.checkers.names import select
from windtunnel.lab.checkers.values import freeze
from windtunnel.lab.history import Event


@dataclass(frozen=True, slots=True)
class Call:
    """One operation that happened or may have happened. `end` is infinite and `value` UNSEEN if nobody knows.

    `follows` is the operation of the same client that ended at the very moment when this one began. Otherwise times
    that touch are no order.
    """

    event: Event
    op: str
    args: Values
    value: Hashable
    start: float
    end: float
    pure: bool
    follows: Event | None = None

    @property
    def returned(self) -> bool:
        return self.end != math.inf


def prepare(events: Iterable[Event], model: Model) -> list[Call]:
    """The calls that count, by their starts: failed ones never happened, and a pure one without an answer says nothing.

    Raises ValueError for an operation that the model does not know, or that is called with too few arguments.
    """
    calls = []
    for e in sorted(select(events, model.name, model.operations), key=_times):
        args = tuple(map(freeze, e.args))
        returned = e.outcome == "ok"
        value = freeze(e.value) if returned else UNSEEN
        pure = model.pure(e.name, args, value)
        if returned:
            calls.append(Call(e, e.name, args, value, e.start, e.end, pure))
        elif not pure:
            calls.append(Call(e, e.name, args, value, e.start, math.inf, False))
    return calls


def _times(e: Event) -> tuple[float, float]:
    return e.start, e.end


def split(calls: Iterable[Call], model: Model) -> dict[Hashable, list[Call]]:
    """The calls by partition; all in one where an operation touches everything."""
    parts: dict[Hashable, list[Call]] = {}
    every = list(calls)
    for c in every:
        key = model.partition(c.op, c.args)
        if key is None:
            return {None: every}
        parts.setdefault(key, []).append(c)
    return parts


def in_touch(part: Iterable[Call]) -> list[Call]:
    """The calls of one partition with what each follows there.

    An operation on something else that took no time may lie between the two.
    """
    last: dict[str, Event] = {}
    linked = []
    for c in part:
        before = last.get(c.event.client)
        linked.append(replace(c, follows=before) if before is not None and before.end == c.start else c)
        if c.returned:
            last[c.event.client] = c.event
    return linked
