"""Queues, in n log n: lost, duplicated, unexpected and reordered messages. Values must be unique."""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Sequence

from windtunnel.lab.checkers.describe import counted, operation, shown
from windtunnel.lab.checkers.names import select
from windtunnel.lab.checkers.values import freeze
from windtunnel.lab.checkers.verdict import Collector, Verdict, conclude, needs_operations
from windtunnel.lab.history import Event


@needs_operations
def check_queue(
    history: Sequence[Event], *, ordered: bool = True, at_least_once: bool = False, drained: bool = False
) -> Verdict:
    """Judge `enqueue(value)` and `dequeue() -> value` (None from an empty queue).

    lost: acknowledged, never delivered, though `drained` says that all was taken; unexpected: delivered but not sent
    by then; duplicated: delivered twice (allowed with `at_least_once`). If the queue is `ordered` also reordered:
    sent after another and delivered before it; hidden: there, though a dequeue found nothing; and a message is lost
    too if a later dequeue found nothing.

    An unknown dequeue may have taken a message: where that could explain all that is missing, the verdict is unknown.
    Raises ValueError for a value that is enqueued twice. The `Queue` model judges small histories completely.
    """
    events = select(history, "queue", {"enqueue": 1, "dequeue": 0})
    sent: dict[Hashable, Event] = {}
    for e in events:
        if e.name == "enqueue":
            value = freeze(e.args[0])
            if value in sent:
                raise ValueError(f"The queue check needs unique values, but {operation(e)} sends one again.")
            sent[value] = e
    found = Collector()
    taken: dict[Hashable, Event] = {}
    deliveries = 0
    for e in sorted((e for e in events if e.name == "dequeue" and e.outcome == "ok"), key=lambda e: (e.start, e.end)):
        if e.value is None:
            continue
        deliveries += 1
        value = freeze(e.value)
        origin = sent.get(value)
        if origin is None or origin.start > e.end:
            sentence = f"{operation(e)} delivered what nobody had sent by then."
            found.add("unexpected", sentence, (e,) if origin is None else (e, origin))
        elif value in taken and not at_least_once:
            sentence = f"{shown(value)} was delivered twice: by {operation(taken[value])} and by {operation(e)}."
            found.add("duplicated", sentence, (origin, taken[value], e))
        taken.setdefault(value, e)
    if ordered:
        _reordered(found, sent, taken)
    empties = sorted((e for e in events if e.name == "dequeue" and e.outcome == "ok" and e.value is None), key=_start)
    if ordered:
        _hidden(found, empties, sent, taken)
    missing = _missing(sent, taken, empties[-1] if empties and ordered else None, drained)
    crashed = sum(e.name == "dequeue" and e.outcome == "unknown" for e in events)
    if len(missing) > crashed:
        witness = missing[0]
        after = f", and {operation(witness[1])} found nothing" if len(witness) > 1 else ""
        sentence = f"{operation(witness[0])} was acknowledged but never delivered{after}."
        found.add("lost", sentence, witness, len(missing) - crashed)
    fine = f"{counted(len(sent), 'message')} sent, {deliveries:,} delivered: none lost."
    verdict = conclude(found.findings(("lost", "unexpected", "duplicated", "reordered")), fine)
    if verdict.ok and missing:
        number = counted(len(missing), "message")
        doubt = f"No verdict: {number} went missing, but {counted(crashed, 'unknown dequeue')} may have taken them."
        return Verdict("unknown", doubt)
    return verdict


def _start(e: Event) -> float:
    return e.start


def _reordered(found: Collector, sent: dict[Hashable, Event], taken: dict[Hashable, Event]) -> None:
    """a was sent before b was, but b's delivery had ended before a's began."""
    both = [(sent[v], taken[v]) for v in taken if v in sent]
    by_end = sorted((p for p in both if p[0].outcome == "ok"), key=lambda p: p[0].end)
    latest: tuple[Event, Event] | None = None  # of those sent so far, the one whose delivery began last
    at = 0
    for b_sent, b_taken in sorted(both, key=lambda p: p[0].start):
        while at < len(by_end) and by_end[at][0].end < b_sent.start:
            if latest is None or by_end[at][1].start > latest[1].start:
                latest = by_end[at]
            at += 1
        if latest is not None and b_taken.end < latest[1].start:
            a_sent, a_taken = latest
            sentence = (
                f"{operation(a_sent)} had ended before {operation(b_sent)} began, but {operation(b_taken)} had ended "
                f"before {operation(a_taken)} began."
            )
            found.add("reordered", sentence, (a_sent, b_sent, b_taken, a_taken))


def _hidden(
    found: Collector, empties: Sequence[Event], sent: dict[Hashable, Event], taken: dict[Hashable, Event]
) -> None:
    """A message was in the queue before, during and after a dequeue that found nothing."""
    waiting = sorted((e.end, i, v) for i, (v, e) in enumerate(sent.items()) if e.outcome == "ok" and v in taken)
    held: list[tuple[float, int, Hashable]] = []  # the one whose delivery began last on top
    at = 0
    for empty in empties:
        while at < len(waiting) and waiting[at][0] < empty.start:
            value = waiting[at][2]
            heapq.heappush(held, (-taken[value].start, at, value))
            at += 1
        if held and -held[0][0] > empty.end:
            first, later = sent[held[0][2]], taken[held[0][2]]
            sentence = f"{operation(empty)} found nothing between {operation(first)} and {operation(later)}."
            found.add("hidden", sentence, (first, empty, later))


def _missing(
    sent: dict[Hashable, Event], taken: dict[Hashable, Event], last_empty: Event | None, drained: bool
) -> list[tuple[Event, ...]]:
    """Acknowledged messages that were never delivered and must have been, each with what shows it."""
    missing: list[tuple[Event, ...]] = []
    for value, e in sent.items():
        if e.outcome == "ok" and value not in taken:
            if last_empty is not None and e.end < last_empty.start:
                missing.append((e, last_empty))
            elif drained:
                missing.append((e,))
    return missing
