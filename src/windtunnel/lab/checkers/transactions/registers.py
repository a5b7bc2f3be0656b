"""What registers tell: a read names the write that it saw, but the order of versions has to be inferred.

Kingsbury and Alvaro, *Elle*, VLDB 2020, section 5. Written values must be unique for each key; None is the value before
all writes. One version is older than another if a transaction read the one and wrote the other (or wrote both in that
order); on request also if a client, or real time, put them in that order on their key.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field

from windtunnel.lab.checkers.describe import shown
from windtunnel.lab.checkers.graphs import components
from windtunnel.lab.checkers.order import real_time_pairs
from windtunnel.lab.checkers.transactions.form import Dependencies, Edge, Kind, Txn
from windtunnel.lab.checkers.values import SCALARS, freeze
from windtunnel.lab.checkers.verdict import Collector

Key = Hashable
Value = Hashable

MOST_FIRST = 64
"""Writes of one key that may each be the first are followed up to this many: fewer edges find less, nothing false."""


@dataclass(slots=True)
class _Key:
    """What is known of one key. Versions are values; None is the first."""

    writer: dict[Value, int] = field(default_factory=dict)
    intermediate: set[Value] = field(default_factory=set)
    readers: dict[Value, list[int]] = field(default_factory=dict)  # those that read it before writing the key
    later_readers: list[tuple[int, Value]] = field(default_factory=list)  # those that read it against their own steps
    newer: dict[Value, dict[Value, int]] = field(default_factory=dict)  # version to next versions, and who says so
    updater: dict[Value, int] = field(default_factory=dict)  # who first read this version and wrote another
    touched: list[tuple[int, Value, Value]] = field(default_factory=list)  # (txn, first version, last version)


class Registers:
    """Reads the transactions once; `findings` holds what is wrong by itself, `graph` what depends on what."""

    def __init__(self, txns: list[Txn], *, client_keys: bool = False, real_time_keys: bool = False) -> None:
        self.findings = Collector()
        self.graph = Dependencies(txns, "wrote")
        self._txns = txns
        self._failed = {i for i, t in enumerate(txns) if t.failed}
        self._keys: dict[Key, _Key] = {}
        self._index_writes()
        self._read_all()
        self._committed = self._find_committed()
        self._write_unanswered()
        for name, key in self._keys.items():
            if client_keys:
                self._order_by_clients(key)
            if real_time_keys:
                self._order_by_time(key)
            if not self._cyclic(name, key):
                self._add_edges(name, key)

    def committed(self) -> Iterator[int]:
        """Transactions that were answered, and unknown ones of which a write was read."""
        return iter(sorted(self._committed))

    def _find_committed(self) -> set[int]:
        """What was seen in part was committed as a whole: then its other writes exist too."""
        committed = {i for i, t in enumerate(self._txns) if t.answered}
        for key in self._keys.values():
            seen = [*key.readers, *(v for _, v in key.later_readers)]
            committed.update(w for v in seen if (w := key.writer.get(v)) is not None)
        return committed - self._failed

    def _write_unanswered(self) -> None:
        """What one that was seen without an answer wrote again to a key is newer than what it had written there."""
        for i in self._committed:
            if self._txns[i].answered:
                continue
            last: dict[Key, Value] = {}
            for f, name, value in self._txns[i].steps:
                if f != "r":
                    if name in last:
                        self._keys[name].newer.setdefault(last[name], {}).setdefault(value, i)
                    last[name] = value

    def _index_writes(self) -> None:
        for i, t in enumerate(self._txns):
            last: dict[Key, Value] = {}
            for f, name, value in t.steps:
                if f == "r":
                    continue
                key = self._keys.setdefault(name, _Key())
                if value is None or value in key.writer:
                    same = "is the value before all writes"
                    if value is not None:
                        same = f"was also written by {self._txns[key.writer[value]]}"
                    raise ValueError(f"Written values must be unique, but {t} writes {shown(value)}, which {same}.")
                key.writer[value] = i
                if name in last:
                    key.intermediate.add(last[name])
                last[name] = value

    def _read_all(self) -> None:
        for i, t in enumerate(self._txns):
            if not t.answered:
                continue
            now: dict[Key, tuple[Value, Value, bool]] = {}  # key to (first version, version now, was it written)
            seen: set[tuple[Key, Value]] = set()
            for f, name, raw in t.steps:
                value = raw if type(raw) in SCALARS else freeze(raw)
                key = self._keys.setdefault(name, _Key())
                state = now.get(name)
                if f == "r":
                    seen.add((name, value))
                    if state is None:
                        key.readers.setdefault(value, []).append(i)
                        self._check_origin(i, name, key, value)
                        now[name] = (value, value, False)
                    elif state[1] != value:
                        sentence = f"{t} must see its own steps: it read {shown(name)} as {shown(value)}, "
                        sentence += f"not as {shown(state[1])}."
                        self.findings.add("internal", sentence, (t.event,))
                        self._check_origin(i, name, key, value)
                        key.later_readers.append((i, value))
                    continue
                if (name, value) in seen:
                    sentence = f"{t} read {shown(value)} from {shown(name)} before it wrote it itself."
                    self.findings.add("future-read", sentence, (t.event,))
                if state is None:
                    now[name] = (value, value, True)
                    continue
                if not state[2]:
                    self._note_update(i, name, key, state[1])
                key.newer.setdefault(state[1], {}).setdefault(value, i)
                now[name] = (state[0], value, True)
            for name, (first, last, _) in now.items():
                self._keys[name].touched.append((i, first, last))

    def _note_update(self, i: int, name: Key, key: _Key, read: Value) -> None:
        """A lost update, if another committed transaction also read this version and then wrote the key."""
        other = key.updater.setdefault(read, i)
        if other != i:
            a, b = self._txns[other], self._txns[i]
            sentence = f"{a} and {b} both read {shown(name)} as {shown(read)} and then both wrote it."
            self.findings.add("lost-update", sentence, (a.event, b.event))

    def _check_origin(self, i: int, name: Key, key: _Key, value: Value) -> None:
        if value is None:
            return
        t, w = self._txns[i], key.writer.get(value)
        if w is None:
            sentence = f"{t} read {shown(value)} from {shown(name)}, which nobody wrote."
            self.findings.add("unwritten", sentence, (t.event,))
        elif self._txns[w].failed:
            sentence = f"{t} read {shown(value)} from {shown(name)}, which {self._txns[w]} wrote and then aborted."
            self.findings.add("G1a", sentence, (self._txns[w].event, t.event))
        elif value in key.intermediate and w != i:
            sentence = f"{t} read {shown(value)} from {shown(name)}, in the middle of {self._txns[w]}, which wrote it "
            sentence += "again after that."
            self.findings.add("G1b", sentence, (self._txns[w].event, t.event))

    def _order_by_clients(self, key: _Key) -> None:
        last: dict[str, tuple[float, Value]] = {}
        for i, first, newest in sorted(key.touched, key=lambda x: self._txns[x[0]].event.start):
            e = self._txns[i].event
            before = last.get(e.client)
            if before is not None and before[0] <= e.start and before[1] != first:
                key.newer.setdefault(before[1], {}).setdefault(first, i)
            last[e.client] = (e.end, newest)

    def _order_by_time(self, key: _Key) -> None:
        spans = [(self._txns[i].event.start, self._txns[i].event.end) for i, _, _ in key.touched]
        for a, b in real_time_pairs(spans):
            older, newer = key.touched[a][2], key.touched[b][1]
            if older != newer:
                key.newer.setdefault(older, {}).setdefault(newer, key.touched[b][0])

    def _cyclic(self, name: Key, key: _Key) -> bool:
        """True, with a finding, if no order of the versions is left: then nothing follows from this key."""
        versions = list(dict.fromkeys([*key.newer, *(v for after in key.newer.values() for v in after)]))
        number = {v: n for n, v in enumerate(versions)}
        after = [[number[w] for w in key.newer.get(v, ())] for v in versions]
        if None in number:
            # The first value is before every other, also where nothing else says so.
            after[number[None]] = [n for v, n in number.items() if v is not None]
        cycles = components(after)
        if not cycles:
            return False
        inside = {versions[n] for n in cycles[0]}
        said = {i for v in inside for w, i in key.newer.get(v, {}).items() if w in inside}
        events = [self._txns[i].event for i in sorted(said)]
        which = ", ".join(shown(v) for v in sorted(inside, key=str)[:8])
        sentence = f"The versions {which} of {shown(name)} would each have to be older than the others."
        self.findings.add("cyclic-versions", sentence, events)
        return True

    def _add_edges(self, name: Key, key: _Key) -> None:
        add, failed = self.graph.edges.append, self._failed
        for value, readers in key.readers.items():
            w = key.writer.get(value)
            for i in readers:
                if w is not None and w != i and w not in failed:
                    add(Edge(w, i, Kind.WR, name, value))
        for i, value in key.later_readers:
            w = key.writer.get(value)
            if w is not None and w != i and w not in failed:
                add(Edge(w, i, Kind.WR, name, value))
        newer = dict(key.newer)
        follow = {v for after in key.newer.values() for v in after}
        first = [v for v, w in key.writer.items() if v not in follow and w in self._committed][:MOST_FIRST]
        newer[None] = {**dict.fromkeys(first, 0), **newer.get(None, {})}
        for old, after in newer.items():
            u = key.writer.get(old)
            for new in after:
                v = key.writer.get(new)
                if v is None or v in failed:
                    continue
                if u is not None and u != v and u not in failed:
                    add(Edge(u, v, Kind.WW, name, old, new))
                for i in key.readers.get(old, ()):
                    if i != v:
                        add(Edge(i, v, Kind.RW, name, old, new))
