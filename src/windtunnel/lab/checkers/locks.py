"""Locks that exclude, fencing tokens that make up for those that do not, and one leader for each term."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

from windtunnel.lab.checkers.describe import counted, operation, seconds, shown
from windtunnel.lab.checkers.names import select
from windtunnel.lab.checkers.values import freeze
from windtunnel.lab.checkers.verdict import NOTHING, Collector, Verdict, conclude, needs_operations
from windtunnel.lab.history import Event

LOCK_OPERATIONS = {"acquire": 1, "release": 1, "write": 2}


@needs_operations
def check_mutex(history: Sequence[Event], *, lease_s: float | None = None) -> Verdict:
    """No two clients hold a lock at once, by what they were told.

    Judges `acquire(lock) -> token` (None: refused) and `release(lock)`; `write(lock, token)` is passed over. A
    client holds the lock for certain from when its acquire ended until its next release began, or until `lease_s`
    after its acquire began, and for ever if neither comes.
    """
    events = select(history, "lock", LOCK_OPERATIONS)
    holds: dict[Hashable, list[tuple[float, float, Event]]] = {}
    open_holds: dict[tuple[Hashable, str], int] = {}
    for e in sorted(events, key=lambda e: (e.start, e.end)):
        if e.name == "write":
            continue
        lock = freeze(e.args[0])
        spans = holds.setdefault(lock, [])
        granted = _granted(e)
        if (granted or e.name == "release") and (lock, e.client) in open_holds:
            at = open_holds.pop((lock, e.client))
            start, until, by = spans[at]
            spans[at] = (start, min(until, e.start), by)
        if granted:
            open_holds[lock, e.client] = len(spans)
            spans.append((e.end, math.inf if lease_s is None else e.start + lease_s, e))
    found = Collector()
    for spans in holds.values():
        holder: tuple[float, Event] | None = None
        for start, until, e in sorted((s for s in spans if s[0] < s[1]), key=lambda s: s[:2]):
            if holder is not None and start < holder[0]:
                both = min(until, holder[0])
                till = "" if both == math.inf else f" until {seconds(both)}"
                sentence = f"{operation(holder[1])} and {operation(e)} both hold the lock from {seconds(start)}{till}."
                found.add("held twice", sentence, (holder[1], e))
            if holder is None or until > holder[0]:
                holder = (until, e)
    held = sum(map(len, holds.values()))
    return conclude(found.findings(), f"{counted(held, 'acquisition')}, never two at once.")


@needs_operations
def check_fencing(history: Sequence[Event]) -> Verdict:
    """Tokens rise, and what they guard refuses the old ones.

    Judges `acquire(lock) -> token`, and `write(lock, token)` on the resource that the lock guards: `ok` if it was
    let through. duplicate token: given out twice; falling token: a later acquire got a smaller one; stale write: let
    through although one with a greater token had been let through before.
    """
    events = select(history, "lock", LOCK_OPERATIONS)
    found = Collector()
    locks = {freeze(e.args[0]) for e in events}
    granted = let_through = 0
    for lock in sorted(locks, key=str):
        mine = [e for e in events if freeze(e.args[0]) == lock and e.outcome == "ok"]
        grants = [(_token(e.value, e), e) for e in mine if _granted(e)]
        writes = [(_token(e.args[1], e), e) for e in mine if e.name == "write"]
        granted += len(grants)
        let_through += len(writes)
        first: dict[float, Event] = {}
        for token, e in grants:
            earlier = first.setdefault(token, e)
            if earlier is not e:
                sentence = f"Token {shown(token)} was given out twice: by {operation(earlier)} and by {operation(e)}."
                found.add("duplicate token", sentence, (earlier, e))
        for high, low in _falls(grants):
            sentence = f"{operation(low)} began after {operation(high)} had ended, but got a smaller token."
            found.add("falling token", sentence, (high, low))
        for high, low in _falls(writes):
            sentence = f"{operation(low)} was let through although {operation(high)} had been let through before."
            found.add("stale write", sentence, (high, low))
    fine = f"{counted(granted, 'token')} and {counted(let_through, 'guarded write')}, all in rising order."
    return conclude(found.findings(("stale write", "duplicate token", "falling token")), fine)


def _granted(e: Event) -> bool:
    return e.name == "acquire" and e.outcome == "ok" and e.value is not None and e.value is not False


def _token(value: object, e: Event) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"A fencing token is a number, but {operation(e)} has {shown(value)}.")
    return value


def _falls(tokens: Sequence[tuple[float, Event]]) -> list[tuple[Event, Event]]:
    """Pairs (greater, smaller) where the smaller token's operation began after the greater one's had ended."""
    by_end = sorted(tokens, key=lambda t: t[1].end)
    pairs = []
    highest: tuple[float, Event] | None = None
    at = 0
    for token, e in sorted(tokens, key=lambda t: t[1].start):
        while at < len(by_end) and by_end[at][1].end < e.start:
            if highest is None or by_end[at][0] > highest[0]:
                highest = by_end[at]
            at += 1
        if highest is not None and token < highest[0]:
            pairs.append((highest[1], e))
    return pairs


@needs_operations
def check_leaders(history: Sequence[Event], *, name: str = "lead") -> Verdict:
    """At most one client leads in a term: `lead(term)` is `ok` for the client that did; others are passed over."""
    found = Collector()
    leaders: dict[Hashable, Event] = {}
    for e in history:
        if e.name != name or e.outcome != "ok":
            continue
        if not e.args:
            raise ValueError(f"{name} needs a term as its argument, but {operation(e)} has none.")
        first = leaders.setdefault(freeze(e.args[0]), e)
        if first.client != e.client:
            sentence = f"Term {shown(e.args[0])} had two leaders: {operation(first)} and {operation(e)}."
            found.add("two leaders", sentence, (first, e))
    fine = f"{counted(len(leaders), 'term')}, each with one leader."
    return conclude(found.findings(), fine) if leaders else NOTHING
