"""What lists tell: a read shows every append before it, so the order of versions is seen and not guessed.

Kingsbury and Alvaro, *Elle: Inferring Isolation Anomalies from Experimental Observations*, VLDB 2020, section 4. The
longest read of a key is its order of versions; the others must be prefixes of it. Committed appends that no read shows
come after the longest read.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from windtunnel.lab.checkers.describe import shown
from windtunnel.lab.checkers.transactions.form import Dependencies, Edge, Kind, Txn
from windtunnel.lab.checkers.values import all_scalars, freeze
from windtunnel.lab.checkers.verdict import Collector

Key = Hashable
Elements = Sequence[Any]

MOST_UNSEEN = 64
"""Appends of one key that no read shows are followed up to this many: fewer edges find less, but nothing false."""


class ListAppend:
    """Reads the transactions once; `findings` holds what is wrong by itself, `graph` what depends on what."""

    def __init__(self, txns: list[Txn]) -> None:
        self.findings = Collector()
        self.graph = Dependencies(txns, "appended")
        self._txns = txns
        self._writer: dict[Key, dict[Hashable, int]] = {}
        self._intermediate: dict[Key, set[Hashable]] = {}
        self._longest: dict[Key, Elements] = {}
        self._longest_by: dict[Key, int] = {}
        self._first_reads: list[tuple[int, Key, Elements]] = []  # before any append of their own
        self._later_reads: list[tuple[int, Key, Elements]] = []
        self._changed_reads: set[tuple[int, Key]] = set()  # keys that a transaction read and then appended to
        self._chains: list[tuple[int, Key, list[Hashable]]] = []  # appends of one transaction to one key, if several
        self._index_appends()
        self._read_all()
        self._committed = self._find_committed()
        self._unseen = {key: self._find_unseen(key) for key in self._writer}
        self._check_orders()
        self._check_chains()
        self._add_edges()
        self._find_lost_updates()

    def committed(self) -> Iterator[int]:
        """Transactions that were answered, and unknown ones of which an append was seen."""
        return iter(sorted(self._committed))

    def _find_committed(self) -> set[int]:
        """What was seen in part was committed as a whole: then its other appends exist too."""
        committed = {i for i, t in enumerate(self._txns) if t.answered}
        for key, order in self._longest.items():
            by = self._writer.get(key, {})
            committed.update(w for v in order if (w := by.get(v)) is not None and not self._txns[w].failed)
        return committed

    def _by(self, key: Key, element: Any) -> int | None:
        """Who appended it, if someone did."""
        return self._writer.get(key, {}).get(element)

    def _index_appends(self) -> None:
        writer, intermediate = self._writer, self._intermediate
        for i, t in enumerate(self._txns):
            last: dict[Key, Hashable] = {}
            chains: dict[Key, list[Hashable]] = {}
            for f, key, value in t.steps:
                if f == "r":
                    continue
                by = writer.get(key)
                if by is None:
                    by = writer[key] = {}
                if value in by:
                    raise ValueError(
                        f"Appended values must be unique, but {self._txns[by[value]]} and {t} both append "
                        f"{shown(value)} to {shown(key)}."
                    )
                by[value] = i
                if key in last:
                    intermediate.setdefault(key, set()).add(last[key])
                    chains.setdefault(key, [last[key]]).append(value)
                last[key] = value
            self._chains += [(i, key, chain) for key, chain in chains.items()]

    def _read_all(self) -> None:
        """Find the longest reads, judge each transaction by itself, and keep the reads that came from others."""
        longest = self._longest
        for i, t in enumerate(self._txns):
            if not t.answered:
                continue
            known: dict[Key, tuple[Elements | None, list[Any]]] = {}  # what it read last, and its appends since
            known_reads: dict[Key, list[Elements]] = {}
            for f, key, value in t.steps:
                state = known.get(key)
                if f != "r":
                    if state is not None and state[0] is not None:
                        self._check_future(t, key, value, known_reads[key])
                    if state is None:
                        known[key] = (None, [value])
                    else:
                        if not state[1] and state[0] is not None:
                            self._changed_reads.add((i, key))
                        state[1].append(value)
                    continue
                elements = self._elements(t, key, value)
                order = longest.get(key)
                if order is None or len(elements) > len(order):
                    longest[key] = elements
                    self._longest_by[key] = i
                if state is None:
                    self._first_reads.append((i, key, elements))
                else:
                    self._later_reads.append((i, key, elements))
                    self._check_internal(t, key, state, elements)
                known[key] = (elements, [])
                known_reads.setdefault(key, []).append(elements)

    def _elements(self, t: Txn, key: Key, value: Any) -> Elements:
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            raise ValueError(f"A read of a list answers with a list, but {t} read {shown(value)} from {shown(key)}.")
        if not all_scalars(value):
            return [freeze(v) for v in value]
        return value if type(value) is list else list(value)

    def _check_internal(self, t: Txn, key: Key, state: tuple[Elements | None, list[Any]], elements: Elements) -> None:
        before, own = state
        if before is None:
            fits, expected = list(elements[-len(own) :]) == own, f"[..., {', '.join(map(shown, own))}]"
        else:
            wanted = [*before, *own]
            fits, expected = list(elements) == wanted, shown(wanted)
        if not fits:
            sentence = f"{t} must see its own steps: it read {shown(key)} as {shown(elements)}, not as {expected}."
            self.findings.add("internal", sentence, (t.event,))

    def _check_future(self, t: Txn, key: Key, value: Hashable, reads: list[Elements]) -> None:
        for elements in reads:
            if value in elements:
                sentence = f"{t} read {shown(key)} as {shown(elements)} before it appended {shown(value)} itself."
                self.findings.add("future-read", sentence, (t.event,))

    def _find_unseen(self, key: Key) -> list[Hashable]:
        """Committed appends that the longest read does not show."""
        by, order = self._writer[key], self._longest.get(key, ())
        if len(by) <= len(order):
            return []
        seen = set(order)
        unseen: list[Hashable] = []
        for value, i in by.items():
            if value not in seen and i in self._committed:
                unseen.append(value)
                if len(unseen) == MOST_UNSEEN:
                    break
        return unseen

    def _check_orders(self) -> None:
        """Every read is a prefix of the longest, and every element was appended, once, by a committed transaction."""
        for key, order in self._longest.items():
            self._check_elements(self._longest_by[key], key, order)
        for i, key, elements in self._first_reads + self._later_reads:
            order = self._longest[key]
            if elements != order[: len(elements)]:
                t, other = self._txns[i], self._txns[self._longest_by[key]]
                sentence = f"{t} read {shown(key)} as {shown(elements)}, but {other} read it as {shown(order)}: "
                sentence += "no order of appends shows both."
                self.findings.add("incompatible-order", sentence, (t.event, other.event))
                self._check_elements(i, key, elements)
        for i, key, elements in self._first_reads + self._later_reads:
            intermediate = self._intermediate.get(key)
            if intermediate and elements and elements[-1] in intermediate:
                self._check_complete(i, key, elements)

    def _check_chains(self) -> None:
        """What one transaction appended to a key stands there in that order, and without gaps at its beginning."""
        places: dict[Key, dict[Hashable, int]] = {}
        for i, key, chain in self._chains:
            order = self._longest.get(key)
            if not order or i not in self._committed:
                continue
            if key not in places:
                places[key] = {v: at for at, v in enumerate(order)}
            stands = [places[key].get(v, len(order)) for v in chain]  # what is not seen comes after what is
            if any(earlier > later for earlier, later in pairwise(stands)):
                t, reader = self._txns[i], self._txns[self._longest_by[key]]
                sentence = f"{t} appended {', '.join(map(shown, chain))} to {shown(key)} in this order, but {reader} "
                sentence += f"read it as {shown(order)}."
                self.findings.add("incompatible-order", sentence, (t.event, reader.event))

    def _check_complete(self, i: int, key: Key, elements: Elements) -> None:
        """The read ends with an append after which its transaction appended more."""
        w = self._by(key, elements[-1])
        if w is not None and w != i:
            t, writer = self._txns[i], self._txns[w]
            sentence = f"{t} read {shown(key)} as {shown(elements)}, in the middle of {writer}, which appended more to "
            sentence += f"it after {shown(elements[-1])}."
            self.findings.add("G1b", sentence, (writer.event, t.event))

    def _check_elements(self, i: int, key: Key, elements: Elements) -> None:
        t, by = self._txns[i], self._writer.get(key, {})
        for value in elements:
            w = by.get(value)
            if w is None:
                sentence = f"{t} read {shown(value)} from {shown(key)}, which nobody appended."
                self.findings.add("unwritten", sentence, (t.event,))
            elif self._txns[w].failed:
                sentence = (
                    f"{t} read {shown(value)} from {shown(key)}, which {self._txns[w]} appended and then aborted."
                )
                self.findings.add("G1a", sentence, (self._txns[w].event, t.event))
        if len(set(elements)) < len(elements):
            sentence = f"{t} read {shown(key)} as {shown(elements)}, which holds an element twice."
            self.findings.add("duplicate-elements", sentence, (t.event,))

    def _add_edges(self) -> None:
        add, txns = self.graph.edges.append, self._txns
        for key, by in self._writer.items():
            before: tuple[int, Any] | None = None
            for value in self._longest.get(key, ()):
                w = by.get(value)
                if w is None or txns[w].failed:
                    continue
                if before is not None and before[0] != w:
                    add(Edge(before[0], w, Kind.WW, key, before[1], value))
                before = (w, value)
            if before is not None:
                for value in self._unseen[key]:
                    if by[value] != before[0]:
                        add(Edge(before[0], by[value], Kind.WW, key, before[1], value))
        for i, key, elements in self._later_reads:
            w = self._by(key, elements[-1]) if elements else None
            if w is not None and w != i and not txns[w].failed:
                add(Edge(w, i, Kind.WR, key, elements[-1]))
        for i, key, elements in self._first_reads:
            order, by = self._longest[key], self._writer.get(key, {})
            length = len(elements)
            if elements:
                w = by.get(elements[-1])
                if w is not None and w != i and not txns[w].failed:
                    add(Edge(w, i, Kind.WR, key, elements[-1]))
            if length < len(order):
                if elements != order[:length]:
                    continue
                for value in order[length:]:  # the next committed one; aborted ones are no versions
                    w = by.get(value)
                    if w is not None and not txns[w].failed:
                        if w != i:
                            add(Edge(i, w, Kind.RW, key, elements, value))
                        break
                else:
                    length = len(order)
            if length == len(order):
                for value in self._unseen.get(key, ()):
                    if by[value] != i:
                        add(Edge(i, by[value], Kind.RW, key, elements, value))

    def _find_lost_updates(self) -> None:
        """Two committed transactions read the same version of a key, and both appended to it."""
        first: dict[tuple[Key, int], int] = {}
        for i, key, elements in self._first_reads:
            if (i, key) not in self._changed_reads or elements != self._longest[key][: len(elements)]:
                continue
            other = first.setdefault((key, len(elements)), i)
            if other != i:
                a, b = self._txns[other], self._txns[i]
                sentence = f"{a} and {b} both read {shown(key)} as {shown(elements)} and then both appended to it."
                self.findings.add("lost-update", sentence, (a.event, b.event))
