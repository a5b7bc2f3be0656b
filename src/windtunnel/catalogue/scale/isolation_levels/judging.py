"""What is measured: cells beside the published table, rules that were broken, and what it cost to keep them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import exp
from typing import Any, Protocol

from windtunnel import Event, Held, History
from windtunnel.catalogue.scale.isolation_levels.transcripts import ANOMALIES, BY_NAME, GONE, PUBLISHED
from windtunnel.parts import share_of

KINDS = ("off", "book", "move")
HOURS = 100
"""On each account at first."""
Rows = Mapping[str, Sequence[Mapping[str, Any]]]
TABLES = ("doctor", "booking", "account")


class Setting(Protocol):
    """What the experiment's parameters say; they stand in its own file."""

    @property
    def meetings(self) -> int: ...
    @property
    def people(self) -> int: ...
    @property
    def rooms(self) -> int: ...
    @property
    def matrix(self) -> int: ...
    @property
    def cell(self) -> str: ...
    @property
    def gap_s(self) -> float: ...
    @property
    def decide_s(self) -> float: ...


# --- the matrix ---------------------------------------------------------------------------------------------------
def cells(history: History) -> dict[str, dict[str, list[Mapping[str, Any]]]]:
    """The scripts that were run, by level and anomaly."""
    found: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for e in history.where(name="cell", outcome="ok"):
        script = BY_NAME[e.args[0]]
        for told in e.value:
            one = {**told, "name": script.name, "what": script.what}
            found.setdefault(told["level"], {}).setdefault(script.anomaly, []).append(one)
    return found


def matrix(history: History) -> dict[str, float]:
    """Each anomaly that a script has shown, at the highest level; and how many cells of all are not as published."""
    found = cells(history)
    if not found:
        return {}
    *_, highest = found
    shown = {level: {a: any(t["shows"] for t in told) for a, told in row.items()} for level, row in found.items()}
    told = [one for row in found.values() for those in row.values() for one in those]
    names = {a: a.lower().replace("-", "_") for a in ANOMALIES}
    return {
        **{names[a]: float(shown[highest].get(a, False)) for a in ANOMALIES},
        "lets": float(sum(shown[highest].values())),
        "differs": float(sum((a in PUBLISHED[level]) != let for level, row in shown.items() for a, let in row.items())),
        "waits": float(sum(one["waits"] for one in told)),
        "refusals": float(sum(one["refused"] for one in told)),
    }


# --- the rules ----------------------------------------------------------------------------------------------------
def measure(history: History, p: Setting) -> dict[str, float]:
    """The matrix; which rules are broken; rollbacks for each answer, and each shift; how long a request took."""
    rows: Rows = {table: history.facts.get(table, ()) for table in TABLES}
    rolled_back: Mapping[str, int] = history.facts.get("rolled_back", {})
    answered = [e for e in history if e.name in (*KINDS, "total") and e.outcome == "ok"]
    return {
        **matrix(history),
        **rules(history, rows, p),
        "aborts": sum(rolled_back.values()) / max(1, len(answered)),
        "off_aborts": rolled_back.get("off", 0) / max(1, len({e.args[0] for e in history.where(name="off")})),
        **times(history),
    }


def audit(history: History, held: Held, p: Setting) -> dict[str, float]:
    """The same rules by the rows that the harness itself found, and the statements that it took."""
    asked = [e for e in history if e.name in (*KINDS, "total")]
    statements = held.statements.get("db", 0)
    return {
        **rules(history, {table: held.rows(table) for table in TABLES}, p),
        "statements": statements / len(asked) if asked else 0.0,
        **times(history),
    }


def times(history: Sequence[Event]) -> dict[str, float]:
    """Mean milliseconds until an answer, whatever it was."""
    spent = {name: [e.end - e.start for e in history if e.name == name] for name in (*KINDS, "total")}
    return {f"{name}_ms": 1e3 * sum(s) / len(s) if s else 0.0 for name, s in spent.items()}


def rules(history: Sequence[Event], rows: Rows, p: Setting) -> dict[str, float]:
    """The share of shifts, slots, pairs and totals that are wrong, and what clients were told that is not so."""
    asked = {name: [e for e in history if e.name == name] for name in (*KINDS, "total")}
    shifts, slots = {e.args[0] for e in asked["off"]}, {e.args[:2] for e in asked["book"]}
    on_call = {row["shift"] for row in rows["doctor"] if row["on_call"]}
    taken = Counter((row["slot"], row["room"]) for row in rows["booking"])
    off = {row["id"] for row in rows["doctor"] if not row["on_call"]}
    booked = {(row["slot"], row["room"], row["guest"]) for row in rows["booking"]}
    return {
        "alone": share_of(shift not in on_call for shift in shifts),
        "double": share_of(taken[slot] > 1 for slot in slots),
        "lost": share_of(wrong_hours(history, rows["account"])),
        "torn": share_of(e.value != 2 * HOURS for e in asked["total"] if e.outcome == "ok"),
        "untrue": float(
            untrue(asked["off"], slice(1, 2), {(doctor,) for doctor in off})
            + untrue(asked["book"], slice(3), booked)
            + sum(e.outcome == "ok" and e.value is not True for e in asked["move"])
        ),
        "for_nothing": share_of([*in_vain(asked["off"], 1, p.people - 1), *in_vain(asked["book"], 2, 1)]),
        "unanswered": share_of(e.outcome != "ok" for events in asked.values() for e in events),
    }


def untrue(asked: Sequence[Event], what: slice, done: set[tuple[Any, ...]]) -> int:
    """How many were told yes and it is not so, or it is so and they were told no. `what`: where requests say it."""
    told = {e.args[what]: e.value if e.outcome == "ok" else None for e in asked}
    return sum(value is not None and bool(value) != (who in done) for who, value in told.items()) + len(
        done - told.keys()
    )


def in_vain(asked: Sequence[Event], place: int, most: int) -> list[bool]:
    """Of each shift, or slot, for which all were answered: whether fewer were told yes than there was room for."""
    told: dict[Any, list[Event]] = {}
    for e in asked:
        told.setdefault(e.args[:place], []).append(e)
    return [
        sum(bool(e.value) for e in events) < min(most, len(events))
        for events in told.values()
        if all(e.outcome == "ok" for e in events)
    ]


def wrong_hours(history: Sequence[Event], accounts: Iterable[Mapping[str, Any]]) -> list[bool]:
    """Of each pair of which nobody is in doubt: whether its accounts are not what was told."""
    held = {row["id"]: row["hours"] for row in accounts}
    moved: dict[int, int] = {}
    doubt = set()
    for e in history:
        if e.name in ("move", "adjust"):
            hours = e.args[1] if e.name == "move" else -e.args[1]
            moved[e.args[0]] = moved.get(e.args[0], 0) + (hours if e.outcome == "ok" else 0)
            if e.outcome == "unknown":
                doubt.add(e.args[0])
    return [
        (held.get(2 * pair), held.get(2 * pair + 1)) != (HOURS - hours, HOURS + hours)
        for pair, hours in moved.items()
        if pair not in doubt
    ]


# --- what is drawn ------------------------------------------------------------------------------------------------
def beside_published(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Of the anomalies that some level lets through: 1 where a script has shown it, and what the table says."""
    rows: dict[str, Sequence[tuple[str, float]]] = {}
    run = cells(history)
    for level, found in run.items():
        drawn = [a for a in ANOMALIES if a in found and a in PUBLISHED["read committed"]]
        rows[f"{level}, here"] = [(a, float(any(one["shows"] for one in found[a]))) for a in drawn]
        if len(run) == 1 and not any(one["locks"] for told in found.values() for one in told):
            rows[f"{level}, published"] = [(a, float(a in PUBLISHED[level])) for a in drawn]
    return rows or {"none": []}


def transcripts(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float, float, str]]]:
    """What each session says at the highest level, a column for each statement; who waits is as long as he waits."""
    (*_, found) = cells(history).values() or ({},)
    return {
        one["what"]: [
            (who, float(i), float(max(i, until) + 1), f"{text}: {answer}" if answer else text)
            for i, (who, text, answer, until) in enumerate(one["said"])
        ]
        for one in found.get(p.cell, ())
    } or {"none": []}


def circles(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, str, str, str]]]:
    """Who has to come before whom, in the scripts of write skew, at the highest level there; or who was rolled back."""
    found: dict[str, Sequence[tuple[str, str, str, str]]] = {}
    for row in cells(history).values():
        for anomaly, told in row.items():
            for one in told if anomaly.startswith("G2") else ():
                gone = [(who, "nobody", text, answer) for who, text, answer, _ in one["said"] if answer == GONE]
                found[f"{anomaly}, {one['what']}"] = one["edges"] if one["shows"] else gone[:1]
    return found or {"none": []}


# --- what theory says ---------------------------------------------------------------------------------------------
WINDOW_S = 2 * 0.0005 + 3 * 0.0001 + 0.001
"""Between a look at the modelled database and the commit that follows, beside thinking: two ways there and back, three
statements (the model's means), and the commit."""


def overlap(gap_s: float, window_s: float) -> float:
    """P(the second of two looks before the first has written): the gap is exponential, the window is not."""
    return 1 - exp(-window_s / gap_s) if gap_s else 1.0
