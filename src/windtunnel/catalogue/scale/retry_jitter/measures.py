"""What is read off a race: writes, times, who is done, what was made twice, and the charts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from windtunnel import Event, Held, History, owed

Line = Sequence[tuple[float, float]]


class Terms(Protocol):
    """The parameters that matter here."""

    @property
    def clients(self) -> int: ...
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


def calls(history: History, row: int) -> float:
    """Writes that came to a row, all of its clients together."""
    return float(len(history.facts["calls_s"][row]))


def time_s(history: History, row: int, p: Terms) -> float:
    """Seconds until the last client of a row was answered; until the end of the run where one was not."""
    ends_s = (event.end if event.outcome == "ok" else run_s(p) for event in history if event.args[0] == row)
    return max(ends_s, default=0.0)


def held_s(asked: Sequence[Event], p: Terms) -> float:
    """Seconds until a client was answered or gave up, or the run was over: the mean."""
    return sum(min(event.end, run_s(p)) for event in asked) / max(1, len(asked))


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
    """Writes and time until all clients of a row are done, by size; then of the largest row, and of all servers."""
    found: dict[str, float] = {}
    for row, word in enumerate(("", "_half")):
        found["calls" + word] = calls(history, row)
        found["time_ms" + word] = 1e3 * time_s(history, row, p)
    facts = history.facts
    asked = [event for event in history if event.args[0] == 0]
    few = [event for event in history if event.args[0] > 1]
    return found | {
        "done": sum(event.outcome == "ok" for event in asked) / max(1, len(asked)),
        "applied": facts["versions"][0] / max(1, len(asked)),
        "held_s": held_s(asked, p),
        "held_s_tenth": held_s(few, p),
        "again": facts["jobs"][0] - len(asked),
        "jobs": sum(facts["jobs"]) / max(1, len(history)),
        "crowd": crowd(facts["calls_s"][0]),
        "backlog_s": facts["inside"][0] * p.service_ms / 1e3,
        "longest": facts["longest"],
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
    return {"calls": sorted((p.sizes[row], calls(history, row)) for row in range(3))}


def time_by_clients(history: History, p: Terms) -> Mapping[str, Line]:
    return {"time": sorted((p.sizes[row], time_s(history, row, p)) for row in range(3))}


def call_times(history: History, p: Terms) -> Mapping[str, Line]:
    """Writes that came to the largest row in each 20 ms of its first four seconds."""
    counts = [0] * 200
    for at in history.facts["calls_s"][0]:
        if at < 4:
            counts[int(at * 50)] += 1
    return {"writes": [(place / 50, count) for place, count in enumerate(counts)]}
