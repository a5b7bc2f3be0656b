"""The four session guarantees (Terry et al., 1994), judged by what clients saw.

Written values must be unique for each key, so that a read names its write. A guarantee says, for each read, which
writes the client must already see: its own (read your writes), those it read before (monotonic reads), and, once it has
seen a write w, those that w's client wrote before w (monotonic writes) or had read before w (writes follow reads). If
write a must be seen and b is read, then b must be newer than a. The two guarantees about writes also demand that a
client's write of a key is newer than its earlier write, or read, of that key.

All that are promised are judged under one order of the versions: a guarantee is broken if its demands contradict each
other or what is known of the order of writes, and several are broken together if their demands do. A write whose
answer got lost follows what its client had done before; what that did later does not follow it.

Known is that the first value of a key is older than all others, and

- the order that the store itself reports (`versions`), if it does;
- else, with `real_time`, that a value is older whose write had ended, or that the same client had read, before the
  write of another began.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Literal

from windtunnel.lab.checkers.calls import Call, prepare
from windtunnel.lab.checkers.describe import counted, listed, operation, printable, shown
from windtunnel.lab.checkers.graphs import components, shortest_way
from windtunnel.lab.checkers.models import KeyValue, Model
from windtunnel.lab.checkers.order import real_time_pairs
from windtunnel.lab.checkers.sequential import lanes_of, unanswered_of
from windtunnel.lab.checkers.values import freeze
from windtunnel.lab.checkers.verdict import Finding, Verdict, conclude, needs_operations
from windtunnel.lab.history import Event

Guarantee = Literal["read your writes", "monotonic reads", "monotonic writes", "writes follow reads"]
GUARANTEES: tuple[Guarantee, ...] = (
    "read your writes",
    "monotonic reads",
    "monotonic writes",
    "writes follow reads",
)
Key = Hashable
Value = Hashable
MOST_EARLIER = 64
"""Earlier reads (writes) of a client that count where monotonic reads (writes) are not promised: there the latest need
not be the newest. Fewer find less, nothing false."""


@dataclass(frozen=True, slots=True)
class _Order:
    """`older` is older than `newer`: said in `because`, shown by `events`."""

    older: int
    newer: int
    because: str
    events: tuple[Event, ...]
    guarantee: Guarantee | None = None


@dataclass(slots=True)
class _Access:
    kind: Literal["read", "write"]
    key: Key
    value: Value
    event: Event


@dataclass(slots=True)
class _Session:
    """What one client did, in its order. Per key: the places in the session, and what was written or read there."""

    steps: list[_Access] = field(default_factory=list)
    wrote: dict[Key, tuple[list[int], list[_Access]]] = field(default_factory=dict)
    read: dict[Key, tuple[list[int], list[_Access]]] = field(default_factory=dict)
    unanswered: list[tuple[int, _Access]] = field(default_factory=list)  # how many steps a lost write follows

    def add(self, access: _Access) -> None:
        places, what = (self.wrote if access.kind == "write" else self.read).setdefault(access.key, ([], []))
        places.append(len(self.steps))
        what.append(access)
        self.steps.append(access)


def _earlier(log: Mapping[Key, tuple[list[int], list[_Access]]], key: Key, before: int, wide: bool) -> list[_Access]:
    """The latest entry for the key before that place in the session; the latest few if it need not be the newest."""
    if key not in log:
        return []
    places, what = log[key]
    at = bisect_right(places, before - 1)
    if not wide:
        return what[max(at - 1, 0) : at]
    return list({access.value: access for access in what[max(at - MOST_EARLIER, 0) : at]}.values())


@needs_operations
def check_sessions(
    history: Sequence[Event],
    guarantees: Iterable[Guarantee] = GUARANTEES,
    *,
    model: Model | None = None,
    versions: Mapping[Key, Sequence[Value]] | None = None,
    real_time: bool = True,
) -> Verdict:
    """Judge a history of `get(key)` and `put(key, value)`, or of another model's plain reads and writes.

    `versions` gives, for each key, its written values from the oldest to the newest. Raises ValueError for a value
    that is written twice, for other operations, and where a client has two operations at once.
    """
    model = model if model is not None else KeyValue()
    calls = prepare(history, model)
    wanted = set(guarantees)
    chosen = [g for g in GUARANTEES if g in wanted]
    known = _Known(model, calls, versions, real_time, chosen)
    together = known.broken(chosen) or known.broken([])
    findings = [known.unwritten()]
    if together is not None:
        alone = [f for g in chosen if (f := known.broken([g])) is not None]
        findings += alone or [together]
    fine = f"{counted(len(calls), 'operation')}: every client saw what it must."
    return conclude([f for f in findings if f is not None], fine)


class _Known:
    """The sessions, the writes, and the order of writes as far as it is known."""

    def __init__(
        self,
        model: Model,
        calls: Sequence[Call],
        versions: Mapping[Key, Sequence[Value]] | None,
        real_time: bool,
        chosen: Sequence[Guarantee],
    ) -> None:
        self._by_clock = real_time and versions is None
        self._wide_reads = "monotonic reads" not in chosen
        self._wide_writes = "monotonic writes" not in chosen
        self._first = model.initial()
        self._nodes: dict[tuple[Key, Value], int] = {}
        self._writer: dict[tuple[Key, Value], _Access] = {}
        self._place: dict[int, tuple[str, int]] = {}  # a write's session and its place there, by id of the event
        self._sessions: dict[str, _Session] = {}
        self._orders: list[_Order] = []
        for c in calls:
            access = _accessed(model, c)
            if access.kind == "write":
                name = (access.key, access.value)
                if name in self._writer or access.value == self._first:
                    raise written_again(c.event, access.value)
                self._writer[name] = access
        lanes = lanes_of(calls)
        for client, lane in lanes.items():
            session = self._sessions[client] = _Session()
            for c in lane:
                access = _accessed(model, c)
                if access.kind == "write":
                    self._place[id(c.event)] = (client, len(session.steps))
                session.add(access)
        for c, before in unanswered_of(calls, lanes):
            self._sessions.setdefault(c.event.client, _Session()).unanswered.append((before, _accessed(model, c)))
            self._place[id(c.event)] = (c.event.client, before)
        for (key, value), write in self._writer.items():
            self._note(key, self._first, value, f"{shown(self._first)} was there first", (write.event,))
        if versions is not None:
            self._reported(model, versions)
        elif real_time:
            self._timed(model, calls)

    def _node(self, key: Key, value: Value) -> int:
        return self._nodes.setdefault((key, value), len(self._nodes))

    def _note(self, key: Key, older: Value, newer: Value, because: str, events: tuple[Event, ...]) -> None:
        self._orders.append(_Order(self._node(key, older), self._node(key, newer), because, events))

    def _reported(self, model: Model, versions: Mapping[Key, Sequence[Value]]) -> None:
        for name, values in versions.items():
            key = model.partition(next(iter(model.operations)), (freeze(name),))
            for older, newer in pairwise([self._first, *map(freeze, values)]):
                self._note(key, older, newer, f"the store reports {shown(older)} before {shown(newer)}", ())

    def _timed(self, model: Model, calls: Sequence[Call]) -> None:
        for order in self._own_orders("write", None), self._own_orders("read", None):
            self._orders += order
        by_key: dict[Key, list[_Access]] = {}
        for c in calls:
            access = _accessed(model, c)
            if access.kind == "write":
                by_key.setdefault(access.key, []).append(access)
        for key, writes in by_key.items():
            spans = [(w.event.start, w.event.end if w.event.outcome == "ok" else math.inf) for w in writes]
            for a, b in real_time_pairs(spans):
                old, new = writes[a], writes[b]
                why = f"the write of {shown(old.value)} had ended before that of {shown(new.value)} began"
                self._note(key, old.value, new.value, why, (old.event, new.event))

    def _own_orders(self, earlier: Literal["read", "write"], guarantee: Guarantee | None) -> list[_Order]:
        """A client's write of a key is newer than what it wrote, or read, there before."""
        orders = []
        for client, session in self._sessions.items():
            who = printable(client)
            for place, access in chain(enumerate(session.steps), session.unanswered):
                if access.kind == "read":
                    continue
                before = (session.wrote, self._wide_writes) if earlier == "write" else (session.read, self._wide_reads)
                for old in _earlier(before[0], access.key, place, before[1]):
                    if old.value in (access.value, self._first):
                        continue
                    verb = "had written" if earlier == "write" else "had read"
                    why = f"{who} {verb} {shown(old.value)} before it wrote {shown(access.value)}"
                    older, newer = self._node(access.key, old.value), self._node(access.key, access.value)
                    orders.append(_Order(older, newer, why, (old.event, access.event), guarantee))
        return orders

    def _sights(self, guarantee: Guarantee) -> Iterable[tuple[_Access, _Access, str, tuple[Event, ...]]]:
        """(what must be seen, the read that must see it, why, operations that show it)."""
        for client, session in self._sessions.items():
            who = printable(client)
            seen: dict[str, tuple[int, _Access]] = {}  # the furthest write seen of each other client
            latest: dict[Key, _Access] = {}
            for place, access in enumerate(session.steps):
                if access.kind == "write":
                    continue
                if guarantee == "read your writes":
                    for own in _earlier(session.wrote, access.key, place, self._wide_writes):
                        yield own, access, f"{who} had written it before", ()
                elif guarantee == "monotonic reads":
                    old = latest.get(access.key)
                    if old is not None:
                        yield old, access, f"{who} had read it before", ()
                    latest[access.key] = access
                else:
                    write = self._writer.get((access.key, access.value))
                    where = self._place.get(id(write.event)) if write is not None else None
                    for other, (furthest, by) in seen.items():
                        log = self._sessions[other]
                        by_writes = guarantee == "monotonic writes"
                        before = (log.wrote, self._wide_writes) if by_writes else (log.read, self._wide_reads)
                        for must in _earlier(before[0], access.key, furthest, before[1]):
                            verb = "written" if guarantee == "monotonic writes" else "read"
                            made = self._writer[by.key, by.value]
                            why = (
                                f"{printable(other)} had {verb} it before it wrote {shown(by.value)},"
                                f" which {who} had read"
                            )
                            yield must, access, why, (made.event, by.event)
                    if where is not None and where[0] != client and seen.get(where[0], (-1, access))[0] < where[1]:
                        seen[where[0]] = (where[1], access)

    def _demands(self, guarantee: Guarantee) -> list[_Order]:
        """What must be newer than what, for the guarantee to hold."""
        demands = []
        for must, read, why, shown_by in self._sights(guarantee):
            if must.value in (read.value, self._first):
                continue
            because = f"{operation(read.event)} must see {shown(must.value)}, since {why}"
            older, newer = self._node(must.key, must.value), self._node(read.key, read.value)
            demands.append(_Order(older, newer, because, (must.event, *shown_by, read.event), guarantee))
        if guarantee == "monotonic writes":
            demands += self._own_orders("write", guarantee)
        elif guarantee == "writes follow reads":
            demands += self._own_orders("read", guarantee)
        return demands

    def unwritten(self) -> Finding | None:
        """A read of a value that nobody wrote, or, by the clock, that nobody had begun to write."""
        for session in self._sessions.values():
            for access in session.steps:
                writer = self._writer.get((access.key, access.value))
                if access.value == self._first or access.kind == "write":
                    continue
                if writer is None:
                    sentence = f"{operation(access.event)} returned a value that nobody wrote."
                    return Finding("unwritten value", sentence, (access.event,))
                if self._by_clock and access.event.end < writer.event.start:
                    sentence = f"{operation(access.event)} returned what {operation(writer.event)} wrote only later."
                    return Finding("unwritten value", sentence, (access.event, writer.event))
        return None

    def broken(self, guarantees: Sequence[Guarantee]) -> Finding | None:
        """The shortest contradiction between the guarantees and what is known, if there is one."""
        demands = [d for g in guarantees for d in self._demands(g)]
        orders = self._orders + demands
        after: list[list[int]] = [[] for _ in self._nodes]
        for o in orders:
            after[o.older].append(o.newer)
        best: list[_Order] | None = None
        for component in components(after):
            out: dict[int, list[tuple[int, _Order]]] = {u: [] for u in component}
            for o in orders:
                if o.older in out and o.newer in out:
                    out[o.older].append((o.newer, o))
            for o in demands or orders:
                if o.older in out and o.newer in out and (best is None or len(best) > 2):
                    longest = None if best is None else len(best) - 2
                    way, _ = shortest_way(o.newer, o.older.__eq__, out.__getitem__, longest)
                    best = best if way is None else [o, *way]
        return None if best is None else _told(best)


def written_again(event: Event, value: Value) -> ValueError:
    """What is said of a write whose value was there before: a read of it names no write."""
    return ValueError(
        f"Session guarantees need each written value to be unique, but {shown(value)} is written again by "
        f"{operation(event)}."
    )


def _told(cycle: Sequence[_Order]) -> Finding:
    said = {o.guarantee for o in cycle}
    names = [g for g in GUARANTEES if g in said]
    contrary = "; and ".join(o.because for o in cycle[1:])
    events = {id(e): e for o in cycle for e in o.events}
    witness = tuple(sorted(events.values(), key=lambda e: (e.start, e.end)))
    if not names:
        return Finding(
            "order of versions", f"No order of the versions fits: {cycle[0].because}; but {contrary}.", witness
        )
    quoted = listed(f"'{name}'" for name in names)
    broken = f"{quoted} {'is broken' if len(names) == 1 else 'are broken together'}"
    return Finding(listed(names), f"{broken}: {cycle[0].because}; but {contrary}.", witness)


def _accessed(model: Model, c: Call) -> _Access:
    access = model.access(c.op, c.args, c.value)
    if access is None:
        raise ValueError(f"Session guarantees are judged on plain reads and writes, not on {c.op!r}.")
    return _Access(access[0], model.partition(c.op, c.args), access[1], c.event)
