"""Append-only logs with offsets, as brokers keep them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from windtunnel.lab.checkers.describe import counted, operation, shown
from windtunnel.lab.checkers.names import select
from windtunnel.lab.checkers.values import freeze
from windtunnel.lab.checkers.verdict import Collector, Verdict, conclude, needs_operations
from windtunnel.lab.history import Event


@dataclass(slots=True)
class _Partition:
    """What is known of one partition: who said which value stands at which offset."""

    at: dict[int, tuple[Hashable, Event]] = field(default_factory=dict)
    of: dict[Hashable, tuple[int, Event]] = field(default_factory=dict)
    acknowledged: list[tuple[int, Hashable, Event]] = field(default_factory=list)
    polls: list[tuple[Event, list[tuple[int, Hashable]]]] = field(default_factory=list)


@needs_operations
def check_log(history: Sequence[Event], *, duplicates_allowed: bool = False) -> Verdict:
    """Judge `append(partition, value) -> offset` and `poll(partition) -> [[offset, value], ...]`.

    inconsistent: two values at one offset; lost: acknowledged at an offset that a poll passed over (it returned offsets
    around it, or later ones of a client that had read up to there); duplicated: one value at two offsets (allowed with
    `duplicates_allowed`: retries without idempotence); unexpected: a value that nobody had appended by then;
    reordered: appended after another had been acknowledged, at a smaller offset; unordered: a poll whose offsets do
    not rise; backward: a client is given an offset that it had passed. A poll of a client that begins anew (`seek`)
    belongs to a client of another name. Values must be unique.
    """
    events = select(history, "log", {"append": 2, "poll": 1})
    found = Collector()
    appended: dict[tuple[Hashable, Hashable], Event] = {}
    for e in events:
        if e.name == "append":
            name = (freeze(e.args[0]), freeze(e.args[1]))
            if name in appended:
                raise ValueError(f"The log check needs unique values, but {operation(e)} appends one again.")
            appended[name] = e
    partitions: dict[Hashable, _Partition] = {}
    for e in sorted((e for e in events if e.outcome == "ok"), key=lambda e: (e.start, e.end)):
        partition = partitions.setdefault(freeze(e.args[0]), _Partition())
        if e.name == "append":
            value = freeze(e.args[1])
            partition.acknowledged.append((_offset(e.value, e), value, e))
            _place(found, partition, _offset(e.value, e), value, e, duplicates_allowed)
            continue
        records = list(_records(e))
        partition.polls.append((e, records))
        for offset, value in records:
            origin = appended.get((freeze(e.args[0]), value))
            if origin is None or origin.start > e.end:
                sentence = f"{operation(e)} holds {shown(value)}, which nobody had appended by then."
                found.add("unexpected", sentence, (e,) if origin is None else (e, origin))
            _place(found, partition, offset, value, e, duplicates_allowed)
    for partition in partitions.values():
        _passed_over(found, partition)
        _reordered(found, partition)
    polled = sum(len(p.polls) for p in partitions.values())
    fine = (
        f"{counted(len(appended), 'append')} and {counted(polled, 'poll')}: every offset holds one value, none is lost."
    )
    return conclude(found.findings(("lost", "inconsistent", "unexpected", "duplicated", "reordered")), fine)


def _offset(value: object, e: Event) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"A log answers with whole numbers as offsets, but {operation(e)} did not.")
    return value


def _records(e: Event) -> Iterator[tuple[int, Hashable]]:
    records = () if e.value is None else e.value
    if not isinstance(records, list | tuple):
        raise ValueError(f"A poll answers with pairs of offset and value, but {operation(e)} did not.")
    for record in records:
        if not isinstance(record, list | tuple) or len(record) != 2:
            raise ValueError(f"A poll answers with pairs of offset and value, but {operation(e)} did not.")
        yield _offset(record[0], e), freeze(record[1])


def _place(
    found: Collector, partition: _Partition, offset: int, value: Hashable, e: Event, duplicates_allowed: bool
) -> None:
    """Note that `e` says that the value stands at the offset, and compare with what was said before."""
    there, said = partition.at.setdefault(offset, (value, e))
    if there != value:
        sentence = f"Offset {offset} holds {shown(there)} by {operation(said)}, but {shown(value)} by {operation(e)}."
        found.add("inconsistent", sentence, (said, e))
    where, said = partition.of.setdefault(value, (offset, e))
    if where != offset and not duplicates_allowed:
        sentence = f"{shown(value)} stands at offset {where} by {operation(said)} and at {offset} by {operation(e)}."
        found.add("duplicated", sentence, (said, e))


def _passed_over(found: Collector, partition: _Partition) -> None:
    """Acknowledged appends that a client's polls skipped, and polls that do not go forward."""
    acknowledged = sorted(partition.acknowledged, key=lambda a: a[0])
    offsets = [offset for offset, _, _ in acknowledged]
    upto: dict[str, tuple[int, Event]] = {}
    for e, records in partition.polls:
        before = upto.get(e.client)
        last = None if before is None else before[0]
        seen = {offset for offset, _ in records}
        for i, (offset, _) in enumerate(records):
            if last is not None and offset <= last:
                name = "unordered" if i else "backward"
                since = "" if i or before is None else f", although {operation(before[1])} had reached {last}"
                witness: tuple[Event, ...] = (e,) if i or before is None else (before[1], e)
                found.add(name, f"{operation(e)} gives offset {offset} after {last}{since}.", witness)
            elif last is not None:
                for j in range(bisect_left(offsets, last + 1), bisect_left(offsets, offset)):
                    skipped, _, write = acknowledged[j]
                    if write.end < e.start and skipped not in seen:
                        sentence = (
                            f"{operation(write)} was acknowledged, but {operation(e)} goes from {last} to {offset}."
                        )
                        witness = (write, e) if i or before is None else (write, before[1], e)
                        found.add("lost", sentence, witness)
            last = offset if last is None else max(last, offset)
        if last is not None:
            upto[e.client] = (last, e)


def _reordered(found: Collector, partition: _Partition) -> None:
    """a was acknowledged before b was appended, but b stands before a."""
    by_end = sorted(partition.acknowledged, key=lambda a: a[2].end)
    highest: tuple[int, Event] | None = None
    at = 0
    for offset, _, e in sorted(partition.acknowledged, key=lambda a: a[2].start):
        while at < len(by_end) and by_end[at][2].end < e.start:
            if highest is None or by_end[at][0] > highest[0]:
                highest = (by_end[at][0], by_end[at][2])
            at += 1
        if highest is not None and offset < highest[0]:
            sentence = f"{operation(highest[1])} had ended before {operation(e)} began, but stands after it."
            found.add("reordered", sentence, (highest[1], e))
