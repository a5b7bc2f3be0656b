"""How placement is judged: what was moved, how even it is, and who was answered meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import fmean
from typing import Protocol

from windtunnel import Event, History
from windtunnel.statistics import not_measurable

TENTH_S = 0.1
COLUMNS = 40
"""Of the map of hosts by time, at most."""


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def more(self) -> int: ...


def squared_spread(counts: Sequence[int]) -> float:
    """The variance of what hosts own, as a share of their mean squared, less what the luck of the keys adds.

    Of K keys at random, E[v] = (n - 1 - s) / K + s for the true s.
    """
    keys, hosts = sum(counts), len(counts)
    found = fmean((hosts * count / keys - 1) ** 2 for count in counts)
    return (found - (hosts - 1) / keys) / (1 - 1 / keys)


def changes(history: History, name: str) -> list[Event]:
    """When hosts came, or one went."""
    return list(history.where(name=name, outcome="ok"))


def asked(history: History) -> list[Event]:
    """What clients wanted, in the order of their coming."""
    return [event for event in history if event.name in ("get", "put")]


def meanwhile(history: History, change: Event) -> list[Event]:
    """What clients wanted while keys were moved."""
    return [event for event in asked(history) if change.start <= event.due <= change.end]


def share_answered(events: Sequence[Event]) -> float:
    """The share that was answered; 1 where nobody asked."""
    return sum(event.outcome == "ok" for event in events) / len(events) if events else 1.0


def stale(history: History) -> int:
    """Answers that do not know of a write of which somebody had been told before they were asked for."""
    answered = [event for event in asked(history) if event.outcome == "ok"]
    moments = sorted(
        [(event.start, False, event.id, event) for event in answered]
        + [(event.end, True, event.id, event) for event in answered]
    )
    told, before, found = dict[str, int](), dict[int, int](), 0
    for _, over, number, event in moments:
        key = event.args[0]
        if not over:
            before[number] = told.get(key, 0) + (event.name == "put")
            continue
        found += event.value < before[number]
        told[key] = max(told.get(key, 0), event.value)
    return found


def measure(history: History, p: Setting) -> Mapping[str, float]:
    """Of the cluster that serves: `answered` of all requests, `answered_moving` while keys were moved, `move_s` and
    `moved_mb` by both changes, `givers`: hosts that gave keys to those that came; `astray_looks`: looks in which a key
    was in no place or in two; `lost`: keys of which clients were told of more writes than are there in the end;
    `stale`: answers that do not know of a write of which somebody had been told before they were asked for.

    Of all clusters on average, by share of the keys: `moved_in` and `moved_out` when hosts came and when one went,
    `astray_in` and `astray_out` between others than those; `peak`: the fullest host, over the mean; `spread`: the
    standard deviation of what hosts own, over the mean, root mean square. `entries`: what whoever asks has in memory.
    """
    joins, leaves = changes(history, "join"), changes(history, "leave")
    counted = [event.value for event in history.where(name="count", outcome="ok")]
    keys = max(1, sum(len(event.args[1]) for event in history.where(name="begin")))
    facts = history.facts
    written: dict[str, int] = {}
    """How often each key was written, by what clients were told."""
    for event in history.where(name="put", outcome="ok"):
        written[event.args[0]] = max(written.get(event.args[0], 0), event.value)
    for event in history.where(name="get", outcome="ok"):
        written[event.args[0]] = max(written.get(event.args[0], 0), event.value)
    shares = [shares for _, shares in counted]
    shares += [
        (
            *(join.value[what] / keys for what in ("moved", "astray")),
            *(leave.value[what] / keys for what in ("moved", "astray")),
        )
        for join, leave in zip(joins, leaves, strict=False)
    ]
    nothing = not_measurable("no hosts were counted")
    means = [fmean(column) for column in zip(*shares, strict=True)] if shares else [nothing] * 4
    moving = [event for change in (*joins, *leaves) for event in meanwhile(history, change)]
    return {
        "moved_in": means[0],
        "astray_in": means[1],
        "moved_out": means[2],
        "astray_out": means[3],
        "peak": fmean(max(loads) * len(loads) / sum(loads) for loads, _ in counted) if counted else nothing,
        "spread": sqrt(max(0.0, fmean(squared_spread(loads) for loads, _ in counted))) if counted else nothing,
        "answered": share_answered(asked(history)),
        "answered_moving": share_answered(moving),
        "move_s": sum(change.value["move_s"] for change in (*joins, *leaves)),
        "moved_mb": sum(change.value["bytes"] for change in (*joins, *leaves)) / 1e6,
        "givers": sum(join.value["givers"] for join in joins),
        "astray_looks": facts["astray"] + (facts["copies"] > 1),
        "lost": sum(count > facts["values"].get(key, 0) for key, count in written.items()),
        "stale": stale(history),
        "entries": facts["entries"],
    }


# --- charts --------------------------------------------------------------------------------------------------------
def by_tenth(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Which share of the requests of each tenth of a second was answered."""
    tenths: dict[int, list[Event]] = {}
    for event in asked(history):
        tenths.setdefault(int(event.due / TENTH_S), []).append(event)
    return {"requests": [(TENTH_S * tenth, share_answered(events)) for tenth, events in sorted(tenths.items())]}


def kept(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float, float]]]:
    """How many keys each host has while keys are moved, hosts in the order of their coming."""
    looks = history.facts["loads"]
    step = max(1, -(-len(looks) // COLUMNS))
    names = list(looks[-1][1]) if looks else []
    return {
        "keys": [
            (at, float(place), float(there.get(name, 0)))
            for at, there in looks[::step]
            for place, name in enumerate(names)
        ]
    }


def where_to(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """What was moved, on average over all clusters."""
    found = measure(history, p)
    return {
        "hosts come": [("to them", found["moved_in"] - found["astray_in"]), ("between others", found["astray_in"])],
        "a host goes": [("from it", found["moved_out"] - found["astray_out"]), ("between others", found["astray_out"])],
    }
