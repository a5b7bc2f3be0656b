"""Linearizability of a register whose written values are unique, in n log n (Gibbons and Korach, 1997).

All operations of one value form a cluster: its write and the reads that returned it. A linearization puts clusters one
after the other, each in one piece. A cluster must come before another if one of its operations ended before one of the
other's began; two clusters that must each come before the other are a contradiction, and there is no other kind. With
`first_end` the earliest end and `last_start` the latest start in a cluster, A must precede B if and only if
`A.first_end < B.last_start`. Zones that run forward (`first_end < last_start`) must therefore not overlap, and one
that runs backward must not lie inside a forward one.

That holds where only times order the operations. Operations of one client are in order also where their times touch;
if there are such, the clusters must form an acyclic graph under both orders (`check_touching`).
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

from windtunnel.lab.checkers.calls import Call
from windtunnel.lab.checkers.describe import operation, shown
from windtunnel.lab.checkers.graphs import components, shortest_way
from windtunnel.lab.checkers.models import Model
from windtunnel.lab.checkers.order import real_time_pairs
from windtunnel.lab.checkers.verdict import Finding
from windtunnel.lab.history import Event


@dataclass(slots=True)
class Cluster:
    """The operations of one value: `ended_first` and `began_last` are those that bound its zone."""

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


def check_touching(model: Model, found: dict[Hashable, Cluster], calls: Sequence[Call]) -> Finding | None:
    """A contradiction that rests on operations of one client whose times touch, if zones found none without them."""
    index_of = {id(c.event): i for i, c in enumerate(calls)}
    own = [
        (index_of[id(c.follows)], i) for i, c in enumerate(calls) if c.follows is not None and id(c.follows) in index_of
    ]
    if not own:
        return None
    start = model.initial()
    number = {value: n for n, value in enumerate(found)}
    values = []
    for c in calls:
        access = model.access(c.op, c.args, c.value)
        assert access is not None
        values.append(access[1])
    edges: dict[tuple[int, int], tuple[Call | None, Call]] = {}
    for a, b in chain(own, real_time_pairs([(c.start, c.end) for c in calls])):
        before, after = calls[a], calls[b]
        if values[a] != values[b]:
            edges.setdefault((number[values[a]], number[values[b]]), (before, after))
        elif after is found[values[b]].write:
            sentence = f"{operation(before.event)} came before {operation(after.event)}."
            return Finding("read from the future", sentence, (before.event, after.event))
    for value, cluster in found.items():
        if value != start and cluster.write is not None and cluster.first_end != math.inf:
            edges.setdefault((number[start], number[value]), (None, cluster.write))
    out: list[list[int]] = [[] for _ in found]
    for u, v in edges:
        out[u].append(v)
    for component in components(out):
        inside = {u: [(v, (u, v)) for v in out[u]] for u in component}
        inside = {u: [step for step in steps if step[0] in inside] for u, steps in inside.items()}
        first, step = inside[component[0]][0]
        way, _ = shortest_way(first, component[0].__eq__, inside.__getitem__)
        assert way is not None  # the component is strongly connected
        return _around([edges[step], *(edges[s] for s in way)])
    return None


def _around(cycle: Sequence[tuple[Call | None, Call]]) -> Finding:
    """A cycle of clusters, told by the operations that say so."""
    reasons = []
    events: dict[int, Event] = {}
    for before, after in cycle:
        first = "the register's first value" if before is None else operation(before.event)
        reasons.append(f"{first} came before {operation(after.event)}")
        events |= {id(c.event): c.event for c in (before, after) if c is not None}
    witness = tuple(sorted(events.values(), key=lambda e: (e.start, e.end)))
    sentence = f"{'; '.join(reasons)}; and the operations of one value must lie side by side."
    return Finding("stale read", sentence, witness)


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
