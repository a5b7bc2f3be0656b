"""Unique ids, grow-only sets and counters."""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections.abc import Collection, Hashable, Sequence

from windtunnel.lab.checkers.bounds import Bounds
from windtunnel.lab.checkers.describe import counted, operation, shown
from windtunnel.lab.checkers.models import amount
from windtunnel.lab.checkers.names import select
from windtunnel.lab.checkers.values import freeze, is_number
from windtunnel.lab.checkers.verdict import NOTHING, Collector, Verdict, conclude, needs_operations
from windtunnel.lab.history import Event


@needs_operations
def check_unique_ids(history: Sequence[Event], *, name: str = "generate") -> Verdict:
    """No two answers of `generate` may be equal; other operations are passed over."""
    found = Collector()
    first: dict[Hashable, Event] = {}
    given = 0
    for e in history:
        if e.name != name or e.outcome != "ok":
            continue
        given += 1
        earlier = first.setdefault(freeze(e.value), e)
        if earlier is not e:
            sentence = f"{shown(e.value)} was given out twice: by {operation(earlier)} and by {operation(e)}."
            found.add("duplicate", sentence, (earlier, e))
    fine = f"{counted(given, 'id')}, all different."
    return conclude(found.findings(), fine) if given else NOTHING


@needs_operations
def check_counter(history: Sequence[Event], *, start: float = 0) -> Verdict:
    """Each `read` lies between the sum of what had certainly been added and of what might have been.

    Knows `add(n)`, `increment()`, `decrement()` and `read()`. This is necessary for linearizability and holds
    in n log n; the `Counter` model also judges reads against each other.
    """
    events = select(history, "counter", {"add": 1, "increment": 0, "decrement": 0, "read": 0})
    additions = [
        (amount(e.name, e.args), e.start, e.end if e.outcome == "ok" else math.inf) for e in events if e.name != "read"
    ]
    bounds = Bounds(start, additions)
    reads = [e for e in events if e.name == "read" and e.outcome == "ok"]
    found = Collector()
    for e in reads:
        least, greatest = bounds.at(e.start, e.end)
        if not is_number(e.value):
            found.add("not a number", f"{operation(e)} did not answer with a number.", (e,))
        elif e.value < least:
            sentence = f"{operation(e)} is too small: what had been added before it began makes {least:g} at least."
            found.add("too small", sentence, (e,))
        elif e.value > greatest:
            sentence = f"{operation(e)} is too great: all that had been asked for by then makes {greatest:g} at most."
            found.add("too great", sentence, (e,))
    return conclude(found.findings(), f"{counted(len(reads), 'read')}, each within what had been added.")


@needs_operations
def check_set(history: Sequence[Event], *, stale_allowed: bool = False) -> Verdict:
    """A set that only grows: `add(x)` and `read() -> all members`.

    lost: a member that was acknowledged, or read, before a read began is missing in it and in all reads after it;
    stale: it is missing but comes back later (allowed with `stale_allowed`, as in an eventually consistent set);
    unexpected: a member that nobody had added by then; duplicated: a member that is listed twice.
    """
    events = select(history, "set that only grows", {"add": 1, "read": 0})
    reads = sorted((e for e in events if e.name == "read" and e.outcome == "ok"), key=lambda e: e.start)
    added: dict[Hashable, Event] = {}
    sure: list[tuple[float, Hashable, Event]] = []  # (from when it must be seen, member, why)
    for e in events:
        if e.name == "add":
            member = freeze(e.args[0])
            if member not in added or e.start < added[member].start:
                added[member] = e
            if e.outcome == "ok":
                sure.append((e.end, member, e))
    found = Collector()
    contents: list[frozenset[Hashable]] = []
    seen: dict[Hashable, Event] = {}
    for e in reads:
        listed = _members(e)
        contents.append(frozenset(listed))
        for member in contents[-1]:
            if member not in seen or e.end < seen[member].end:
                seen[member] = e
            origin = added.get(member)
            if origin is None or origin.start > e.end:
                sentence = f"{operation(e)} holds {shown(member)}, which nobody had added by then."
                found.add("unexpected", sentence, (e,) if origin is None else (e, origin))
        if len(listed) > len(contents[-1]):
            twice = next(member for member, n in Tally(listed).items() if n > 1)
            found.add("duplicated", f"{operation(e)} lists {shown(twice)} twice.", (e,))
    sure += [(e.end, member, e) for member, e in seen.items()]
    _missing(found, reads, contents, sure, stale_allowed)
    fine = (
        f"{counted(len(reads), 'read')} of a set to which {counted(len(added), 'member')} were added: none is missing."
    )
    return conclude(found.findings(("lost", "unexpected", "duplicated", "stale")), fine)


def _members(e: Event) -> list[Hashable]:
    if isinstance(e.value, str) or not isinstance(e.value, Collection):
        raise ValueError(f"A read of a set answers with its members, but {operation(e)} did not.")
    return [freeze(v) for v in e.value]


def _missing(
    found: Collector,
    reads: Sequence[Event],
    contents: Sequence[frozenset[Hashable]],
    sure: list[tuple[float, Hashable, Event]],
    stale_allowed: bool,
) -> None:
    """Find members that a read must hold and does not. `reads` are in the order of their starts."""
    last_seen: dict[Hashable, float] = {}
    for e, members in zip(reads, contents, strict=True):
        for member in members:
            last_seen[member] = max(e.start, last_seen.get(member, -math.inf))
    sure.sort(key=lambda s: s[0])
    must: dict[Hashable, Event] = {}
    at = 0
    for e, members in zip(reads, contents, strict=True):
        while at < len(sure) and sure[at][0] < e.start:
            must.setdefault(sure[at][1], sure[at][2])
            at += 1
        for member in must.keys() - members:
            why = must[member]
            evidence = f"{operation(e)} misses {shown(member)}, although {operation(why)} had ended"
            if last_seen.get(member, -math.inf) <= e.end:
                found.add("lost", f"{evidence}; it was not seen again.", (why, e))
            elif not stale_allowed:
                found.add("stale", f"{evidence}; it was seen again later.", (why, e))
