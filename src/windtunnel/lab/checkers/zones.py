"""Linearizability of a register whose written values are unique, in n log n (Gibbons and Korach, 1997).

All operations of one value form a cluster: its write and the reads that returned it. A linearization puts clusters one
after the other, each in one piece. A cluster must come before another if one of its operations ended before one of the
other's began; two clusters that must each come before the other are a contradiction, and there is no other kind. With
``first_end`` the earliest end and ``last_start`` the latest start in a cluster, A must precede B if and only if
``A.first_end < B.last_start``. Zones that run forward (``first_end < last_start``) must therefore not overlap, and one
that runs backward must not lie inside a forward one.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import pairwise

from windtunnel.lab.checkers.calls import Call
from windtunnel.lab.checkers.describe import operation, shown
from windtunnel.lab.checkers.models import Model
from windtunnel.lab.checkers.verdict import Finding


@dataclass(slots=True)
class Cluster:
    """The operations of one value: ``ended_first`` and ``began_last`` are those that bound its zone."""

    value: Hashable
    write: Call | None
    first_end: float
    last_start: float
    ended_first: Call | None
    began_last: Call | None


def clusters(model: Model, calls: Iterable[Call]) -> dict[Hashable, Cluster] | None:
    """The clusters by value, or None where zones do not apply: another kind of operation, or a value written twice.

    A read of a value that nobody wrote makes a cluster without a write.
    """
    start = model.initial()
    found = {start: Cluster(start, None, -math.inf, -math.inf, None, None)}
    for c in calls:
        access = model.access(c.op, c.args, c.value)
        if access is None:
            return None
        kind, value = access
        cluster = found.get(value)
        if cluster is None:
            found[value] = Cluster(value, c if kind == "write" else None, c.end, c.start, c, c)
            continue
        if kind == "write":
            if cluster.write is not None or value == start:
                return None
            cluster.write = c
        if c.end < cluster.first_end:
            cluster.first_end, cluster.ended_first = c.end, c
        if c.start > cluster.last_start:
            cluster.last_start, cluster.began_last = c.start, c
    return found


def check_zones(model: Model, found: dict[Hashable, Cluster]) -> Finding | None:
    """The first contradiction between clusters, or None if the register is linearizable."""
    start = model.initial()
    forward: list[Cluster] = []
    backward: list[Cluster] = []
    for cluster in found.values():
        if cluster.value != start:
            wrong = _within(cluster)
            if wrong is not None:
                return wrong
        if cluster.first_end < cluster.last_start:
            forward.append(cluster)
        elif cluster.first_end != math.inf:
            backward.append(cluster)
    forward.sort(key=lambda z: z.first_end)
    for left, right in pairwise(forward):
        if right.first_end < left.last_start:
            return _contradiction(left, right)
    edges = [z.first_end for z in forward]
    for inner in backward:
        at = bisect_left(edges, inner.last_start) - 1
        if at >= 0 and inner.first_end < forward[at].last_start:
            return _contradiction(forward[at], inner)
    return None


def _within(cluster: Cluster) -> Finding | None:
    """A value that was read but never written, or read before its write began."""
    if cluster.write is None:
        assert cluster.ended_first is not None
        read = cluster.ended_first
        sentence = f"{operation(read.event)} returned a value that nobody wrote."
        return Finding("unwritten value", sentence, (read.event,))
    if cluster.first_end < cluster.write.start:
        assert cluster.ended_first is not None
        read = cluster.ended_first
        sentence = f"{operation(read.event)} ended before {operation(cluster.write.event)} began."
        return Finding("read from the future", sentence, (read.event, cluster.write.event))
    return None


def _contradiction(a: Cluster, b: Cluster) -> Finding:
    """Two clusters that must each come before the other, told by the operations that say so."""
    parts = []
    for before, after in ((a, b), (b, a)):
        first, last = before.ended_first, after.began_last
        if first is None:  # the register's first value, there before anything began
            parts.append(f"{shown(before.value)} was there first, before {last and operation(last.event)}")
        else:
            ended = operation(first.event)
            began = operation(last.event) if last else shown(after.value)
            parts.append(
                f"{ended} ended before {began} began, so {shown(before.value)} came before {shown(after.value)}"
            )
    # The writes belong to the witness: without them a value could have been written again.
    chosen = {id(c): c.event for z in (a, b) for c in (z.write, z.ended_first, z.began_last) if c is not None}
    witness = sorted(chosen.values(), key=lambda e: (e.start, e.end))
    return Finding("stale read", f"{parts[0]}; but {parts[1]}.", tuple(witness))
