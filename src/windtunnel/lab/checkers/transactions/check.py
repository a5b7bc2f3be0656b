"""The verdict: which anomalies there are, and which of them the promised level of isolation forbids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from windtunnel.lab.checkers.describe import counted, listed
from windtunnel.lab.checkers.transactions.cycles import BUDGET_EDGES, find_cycles
from windtunnel.lab.checkers.transactions.form import Dependencies, Edge, transactions
from windtunnel.lab.checkers.transactions.list_append import ListAppend
from windtunnel.lab.checkers.transactions.registers import Registers
from windtunnel.lab.checkers.verdict import Finding, Verdict, needs_operations
from windtunnel.lab.history import Event

IMPOSSIBLE = ("unwritten", "future-read", "duplicate-elements", "incompatible-order", "cyclic-versions")
"""Wrong at every level: no order of steps and versions explains them."""
_COMMITTED = (*IMPOSSIBLE, "G0", "G1a", "G1b", "G1c")
_SNAPSHOT = (*_COMMITTED, "internal", "lost-update", "G-single", "G-nonadjacent")

LEVELS: Mapping[str, tuple[str, ...]] = {
    "read-uncommitted": (*IMPOSSIBLE, "G0"),
    "read-committed": _COMMITTED,
    "snapshot-isolation": _SNAPSHOT,
    "serializable": (*_SNAPSHOT, "G2-item"),
    "strict-serializable": (*_SNAPSHOT, "G2-item"),
}
"""What each level forbids. "strict-serializable" is "serializable" with the orders of clients and of real time."""

ANOMALIES = (*IMPOSSIBLE, "G0", "G1a", "G1b", "G1c", "internal", "lost-update", "G-single", "G-nonadjacent", "G2-item")
"""Every name, worst first."""


@needs_operations
def check_list_append(
    history: Sequence[Event],
    level: str = "serializable",
    *,
    process: bool = False,
    real_time: bool = False,
    budget_edges: int = BUDGET_EDGES,
) -> Verdict:
    """Judge `txn` operations of steps ["append", key, value] and ["r", key, list].

    `process` and `real_time` demand that the order of each client, and of real time, is kept; strict
    serializability demands both. Findings that the level allows are in the verdict too. Beyond the budget, which
    bounds the search for each name, a verdict that would be valid is unknown. Raises ValueError for an element that is
    appended twice and for steps of another form.
    """
    seen = ListAppend(transactions(history, "append"))
    findings = list(seen.findings.findings())
    return _judge(seen.graph, seen.committed(), findings, level, process, real_time, budget_edges)


@needs_operations
def check_read_write(
    history: Sequence[Event],
    level: str = "serializable",
    *,
    process: bool = False,
    real_time: bool = False,
    client_keys: bool = False,
    real_time_keys: bool = False,
    budget_edges: int = BUDGET_EDGES,
) -> Verdict:
    """Judge `txn` operations of steps ["w", key, value] and ["r", key, value].

    As `check_list_append`. `client_keys` and `real_time_keys` say that each key by itself is sequentially
    consistent, or linearizable: more versions can then be put in order.
    """
    txns = transactions(history, "w")
    seen = Registers(txns, client_keys=client_keys, real_time_keys=real_time_keys)
    findings = list(seen.findings.findings())
    return _judge(seen.graph, seen.committed(), findings, level, process, real_time, budget_edges)


def base_name(name: str) -> str:
    """The anomaly's name without `-process` or `-realtime`."""
    return name.removesuffix("-process").removesuffix("-realtime")


def _judge(
    graph: Dependencies,
    committed: Iterable[int],
    findings: list[Finding],
    level: str,
    process: bool,
    real_time: bool,
    budget_edges: int,
) -> Verdict:
    if level not in LEVELS:
        raise ValueError(f"There is no isolation level {level!r}; there are {', '.join(LEVELS)}.")
    strict = level == "strict-serializable"
    if strict or process or real_time:
        graph.add_time_orders(committed, process=strict or process, real_time=strict or real_time)
    cycles = find_cycles(len(graph.txns), graph.edges, budget_edges)
    findings += [_told(graph, name, cycle) for name, cycle in cycles.found.items()]
    rank = {name: i for i, name in enumerate(ANOMALIES)}
    findings.sort(key=lambda f: rank[base_name(f.name)])
    forbidden = [f for f in findings if base_name(f.name) in LEVELS[level]]
    allowed = [f for f in findings if base_name(f.name) not in LEVELS[level]]
    steps = len(graph.edges)
    if forbidden:
        others = listed(f.name for f in forbidden[1:])
        tail = f" Also found: {others}." if others else ""
        first = forbidden[0]
        sentence = f"Not {level}, {first.name}: {first.sentence}{tail}"
        return Verdict("invalid", sentence, first.witness, (*forbidden, *allowed), steps)
    in_doubt = sorted(name for name in cycles.given_up if base_name(name) in LEVELS[level])
    if in_doubt:
        sentence = f"No verdict: the search for {listed(in_doubt)} spent its budget of {counted(budget_edges, 'edge')}."
        return Verdict("unknown", sentence, (), tuple(allowed), steps)
    also = f" Found, but allowed: {listed(f.name for f in allowed)}." if allowed else ""
    sentence = f"{counted(len(graph.txns), 'transaction')} are {level} as far as clients can see.{also}"
    return Verdict("valid", sentence, (), tuple(allowed), steps)


def _told(graph: Dependencies, name: str, cycle: Sequence[Edge]) -> Finding:
    """A cycle in words: every edge, and what follows."""
    first = graph.txns[cycle[0].before]
    reasons = "; ".join(graph.because(e) for e in cycle)
    events = {e.before: graph.txns[e.before].event for e in cycle}
    return Finding(name, f"{reasons}; so {first} would have to come before itself.", tuple(events.values()))
