"""What is read off a race: writes, times, who is done, what was made twice, and the charts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from windtunnel import Held, History, owed

Line = Sequence[tuple[float, float]]


class Terms(Protocol):
    """The parameters that matter here."""

    @property
    def clients(self) -> int: ...
    @property
    def rows(self) -> int: ...
    @property
    def sizes(self) -> list[int]: ...
    @property
    def service_ms(self) -> float: ...
    @property
    def lost(self) -> float: ...
    @property
    def run_s(self) -> float: ...


def run_s(p: Terms) -> float:
    """Where the server has no limit and every call is answered all are soon done; else they may never be."""
    return p.run_s if p.service_ms or p.lost else 400.0


def by_size(p: Terms) -> dict[int, list[int]]:
    """Which rows have so many clients, from the most to the fewest."""
    found: dict[int, list[int]] = {}
    for row, size in enumerate(p.sizes):
        found.setdefault(size, []).append(row)
    return found


def calls(history: History, rows: Sequence[int]) -> float:
    """Writes that came to a row, all of its clients together."""
    return sum(len(history.facts["calls_s"][row]) for row in rows) / len(rows)


def time_s(history: History, rows: Sequence[int], p: Terms) -> float:
    """Seconds until the last client of a row was answered; until the end of the run where one was not."""
    last = dict.fromkeys(rows, 0.0)
    for event in history:
        if event.args[0] in last:
            last[event.args[0]] = max(last[event.args[0]], event.end if event.outcome == "ok" else run_s(p))
    return sum(last.values()) / len(rows)


def crowd(calls_s: Sequence[float]) -> int:
    """The most writes that came within 10 ms, once a second is over."""
    late_s = [at for at in calls_s if at >= 1.0]
    most = first = 0
    for place, at in enumerate(late_s):
        while late_s[first] < at - 0.01:
            first += 1
        most = max(most, place - first + 1)
    return most


def measure(history: History, p: Terms) -> Mapping[str, float]:
    """Writes and time until all clients of a row are done, by size; then of the largest rows, and of all servers."""
    found: dict[str, float] = {}
    rows_of, facts = by_size(p), history.facts
    for word, share in (("", 1), ("_half", 2)):
        rows = rows_of[p.clients // share]
        found["calls" + word] = calls(history, rows)
        found["time_ms" + word] = 1e3 * time_s(history, rows, p)
    largest = rows_of[p.clients]
    asked = [event for event in history if event.args[0] in largest]
    return found | {
        "done": sum(event.outcome == "ok" for event in asked) / max(1, len(asked)),
        "applied": sum(facts["versions"][row] for row in largest) / max(1, len(asked)),
        "jobs": facts["jobs"] / max(1, len(history)),
        "crowd": max(crowd(facts["calls_s"][row]) for row in largest),
        "backlog_s": facts["inside"] * p.service_ms / 1e3 / p.rows,
        "longest_ms": facts["longest_ms"],
        "rounds": p.clients * (p.clients + 1) / 2,
    }


def audit(history: History, held: Held, p: Terms) -> Mapping[str, float]:
    """Whether clients were told of versions that there can be, once each, after the servers had done their work."""
    asked = Counter(event.args[0] for event in history)
    told: dict[int, list[int]] = {}
    for event in history.where(outcome="ok"):
        told.setdefault(event.args[0], []).append(event.value)
    twice = sum(len(of) - len(set(of)) + max(0, max(of) - asked[row]) for row, of in told.items())
    return {
        "twice": twice,
        "owed_s": owed([(e.end, p.service_ms / 1e3) for e in history.where(outcome="ok")], held.done()),
        "jobs": sum(len(machine.jobs) for machine in held.machines.values()) / max(1, len(history)),
        "capacity": held.capacity / len(p.sizes),
    }


def calls_by_clients(history: History, p: Terms) -> Mapping[str, Line]:
    return {"calls": [(size, calls(history, rows)) for size, rows in by_size(p).items()]}


def time_by_clients(history: History, p: Terms) -> Mapping[str, Line]:
    return {"time": [(size, time_s(history, rows, p)) for size, rows in by_size(p).items()]}


def call_times(history: History, p: Terms) -> Mapping[str, Line]:
    """Writes that came to the first of the largest rows in each 20 ms of its first four seconds."""
    counts = [0] * 200
    for at in history.facts["calls_s"][0]:
        if at < 4:
            counts[int(at * 50)] += 1
    return {"writes": [(place / 50, count) for place, count in enumerate(counts)]}
