"""Transactions as histories hold them, and the graph of which must come before which."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NamedTuple

from windtunnel.lab.checkers.describe import operation, printable, seconds, shown
from windtunnel.lab.checkers.order import real_time_pairs
from windtunnel.lab.checkers.values import SCALARS, freeze
from windtunnel.lab.history import Event

Step = tuple[str, Hashable, Any]
"""("r", key, what was read) or ("append" or "w", key, value)."""


class Kind(IntEnum):
    """Why one transaction comes before another: the dependencies of Adya (1999), and two orders of time."""

    WW = 0  # it wrote the version before
    WR = 1  # it wrote what the other read
    RW = 2  # it read the version before the one that the other wrote
    PROCESS = 3  # the same client ran it first
    REALTIME = 4  # it ended before the other began


class Edge(NamedTuple):
    """`before` comes before `after`. `old` and `new` are the versions of `key` that say so."""

    before: int
    after: int
    kind: Kind
    key: Hashable = None
    old: Any = None
    new: Any = None


@dataclass(slots=True)
class Txn:
    """One transaction; `number` is its place among all operations of the history, counted from 1."""

    number: int
    event: Event
    steps: list[Step]
    answered: bool
    failed: bool

    def __str__(self) -> str:
        return f"T{self.number}"


@dataclass(slots=True)
class Dependencies:
    """The graph: transactions by index, and the edges between those that were, or must have been, committed."""

    txns: list[Txn]
    verb: str
    edges: list[Edge] = field(default_factory=list)

    def because(self, edge: Edge) -> str:
        """The edge as a clause."""
        u, v = self.txns[edge.before], self.txns[edge.after]
        key = shown(edge.key)
        if edge.kind == Kind.WW:
            return f"{u} {self.verb} {shown(edge.old)} to {key} before {v} {self.verb} {shown(edge.new)}"
        if edge.kind == Kind.WR:
            return f"{v} read {shown(edge.old)} from {key}, which {u} {self.verb}"
        if edge.kind == Kind.RW:
            return f"{u} read {key} as {shown(edge.old)}, before {v} {self.verb} {shown(edge.new)}"
        if edge.kind == Kind.PROCESS:
            return f"{printable(u.event.client)} ran {u} before {v}"
        return f"{u} ended at {seconds(u.event.end)}, before {v} began at {seconds(v.event.start)}"

    def add_time_orders(self, committed: Iterable[int], *, process: bool, real_time: bool) -> None:
        """Edges from each client's own order, and from real time. An unknown transaction has no end."""
        nodes = list(committed)
        txns = self.txns
        if process:
            last: dict[str, int] = {}
            for i in sorted(nodes, key=lambda i: (txns[i].event.start, txns[i].event.end, i)):
                e = txns[i].event
                before = last.get(e.client)
                if before is not None and txns[before].event.end <= e.start:
                    self.edges.append(Edge(before, i, Kind.PROCESS))
                if txns[i].answered:
                    last[e.client] = i
        if real_time:
            spans = [(txns[i].event.start, txns[i].event.end if txns[i].answered else math.inf) for i in nodes]
            self.edges += [Edge(nodes[a], nodes[b], Kind.REALTIME) for a, b in real_time_pairs(spans)]


def transactions(history: Sequence[Event], write: str) -> list[Txn]:
    """Read `txn(steps)` operations, whose answer is the steps again with what was read.

    A step is ["r", key, null] or [write, key, value]. Raises ValueError for anything else. Of a transaction without an
    answer only the writes are known.
    """
    found = []
    for number, e in enumerate(history, 1):
        if e.name != "txn":
            raise ValueError(
                f"A transaction is an operation named 'txn', not {e.name!r} (called by {printable(e.client)})."
            )
        answered = e.outcome == "ok"
        known = answered and e.value is not None
        raw = e.value if known else (e.args[0] if e.args else ())
        steps: list[Step] = []
        if not isinstance(raw, list | tuple):
            raise ValueError(f"A transaction is a list of steps, but {operation(e)} has {shown(raw)}.")
        for step in raw:
            if not isinstance(step, list | tuple) or len(step) != 3 or step[0] not in ("r", write):
                raise ValueError(
                    f'A step is ["r", key, null] or ["{write}", key, value], but {operation(e)} has {shown(step)}.'
                )
            f, key, value = step
            if type(key) not in SCALARS:
                key = freeze(key)
            if f == write:
                if type(value) not in SCALARS:
                    value = freeze(value)
            elif not known:
                continue
            steps.append((f, key, value))
        found.append(Txn(number, e, steps, answered, e.outcome == "fail"))
    return found
