"""What two or three sessions say, in which order, and by what one sees that it went wrong: the tests of Hermitage.

Fourteen scripts for ten anomalies (Kleppmann, *Hermitage*, `postgres.md`; the anomalies are Adya's and Bailis'). Each
is run at each level, not only at those for which it stands there. Two things are worded for the port, which has no
arithmetic in conditions: `value % 3 = 0`, which is true of the new rows alone, became `value >= 30`; and where
`value % 3 = 0` finds the row that was changed to 12, `value = 12` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from windtunnel.engines import AtLeast, Changes, Plus, Where

Verb = Literal["select", "insert", "update", "delete", "commit", "abort"]
GONE = "rolled back"
FIRST = {1: 10, 2: 20}
"""The rows of each script before it begins: id and value."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of one session: the rows that it is about, and what becomes of them."""

    who: str
    verb: Verb
    where: Where | None = None
    values: Changes | None = None

    def __str__(self) -> str:
        if self.verb in ("commit", "abort"):
            return self.verb
        if self.verb == "insert":
            return f"insert {_sql(self.values or {}, ', ')}"
        change = f" set {_sql(self.values, ', ')}" if self.values else ""
        return f"{self.verb}{change}" + (f" where {_sql(self.where, ' and ')}" if self.where else "")


def _sql(parts: Mapping[str, Any], between: str) -> str:
    def one(column: str, value: Any) -> str:
        if isinstance(value, Plus):
            return f"{column} = {column} + {value.amount}"
        return f"{column} >= {value.bound}" if isinstance(value, AtLeast) else f"{column} = {value}"

    return between.join(one(column, value) for column, value in parts.items())


@dataclass(frozen=True, slots=True)
class Said:
    """A step, and what came of it.

    Attributes:
        rows: what a select found, values by id; None where it was not carried out.
        changed: how many rows an update or a delete changed.
        until: after which step it was answered; -1: before the next one was said.
        refused: the database rolled the transaction back here.
        done: it was carried out.
    """

    step: Statement
    rows: Mapping[int, int] | None = None
    changed: int = 0
    until: int = -1
    refused: bool = False
    done: bool = False

    def answer(self) -> str:
        """What came of it, in a few words."""
        if self.refused:
            return GONE
        if self.rows is not None:
            return ", ".join(f"{key}: {value}" for key, value in self.rows.items()) or "nothing"
        return f"{self.changed} changed" if self.step.verb in ("update", "delete") else ""


@dataclass(frozen=True, slots=True)
class Transcript:
    """Everything that was said, in its order, and the rows at the end."""

    said: Sequence[Said]
    final: Mapping[int, int]

    def of(self, who: str, verb: Verb) -> list[Said]:
        """What came of this session's statements of this kind, in their order."""
        return [one for one in self.said if one.step.who == who and one.step.verb == verb]

    def rows(self, who: str) -> list[Mapping[int, int]]:
        """What its selects found, as far as they were carried out."""
        return [one.rows for one in self.of(who, "select") if one.rows is not None]

    def plain(self) -> dict[str, Any]:
        """As a history keeps it: who said what, what came of it, and after which step."""
        said = [(one.step.who, str(one.step), one.answer(), one.until) for one in self.said]
        return {
            "said": said,
            "waits": sum(one.until >= 0 for one in self.said),
            "refused": len({one.step.who for one in self.said if one.refused}),
            "final": list(self.final.items()),
        }

    def committed(self, *who: str) -> bool:
        """Whether all of these did."""
        return all(one.done and not one.refused for session in who for one in self.of(session, "commit"))


@dataclass(frozen=True, slots=True)
class Script:
    """One test: the anomaly that it looks for, what is said, and whether a transcript shows it."""

    name: str
    anomaly: str
    what: str
    steps: Sequence[Statement]
    shows: Callable[[Transcript], bool]

    @property
    def sessions(self) -> tuple[str, ...]:
        """Who speaks, in the order of their first words."""
        return tuple(dict.fromkeys(step.who for step in self.steps))


# --- how it is written ------------------------------------------------------------------------------------------
def _look(who: str, **where: Any) -> Statement:
    return Statement(who, "select", where)


def _set(who: str, new: Any, /, **where: Any) -> Statement:
    return Statement(who, "update", where, {"value": new})


def _add(who: str, key: int, value: int) -> Statement:
    return Statement(who, "insert", None, {"id": key, "value": value})


def _remove(who: str, **where: Any) -> Statement:
    return Statement(who, "delete", where)


def _end(who: str) -> Statement:
    return Statement(who, "commit")


T1, T2, T3 = "T1", "T2", "T3"
MANY = AtLeast(30)


# --- by what one sees it ----------------------------------------------------------------------------------------
def _mixed(t: Transcript) -> bool:
    """One row holds what the first wrote, the other what the second did."""
    return t.committed(T1, T2) and (t.final[1], t.final[2]) in ((11, 22), (12, 21))


def _sees(value: int) -> Callable[[Transcript], bool]:
    return lambda t: any(value in rows.values() for rows in t.rows(T2))


def _circle(t: Transcript) -> bool:
    return t.committed(T1, T2) and t.rows(T1) == [{2: 22}] and t.rows(T2) == [{1: 11}]


def _vanishes(t: Transcript) -> bool:
    """A read that shows less of the others than an earlier one did."""
    by = {10: 0, 20: 0, 11: 1, 19: 1, 12: 2, 18: 2}
    seen = [by[value] for rows in t.rows(T3) for value in rows.values()]
    return any(later < earlier for earlier, later in pairwise(seen))


def _appears(t: Transcript) -> bool:
    looks = t.rows(T1)
    return len(looks) == 2 and not looks[0] and bool(looks[1])


def _left_over(t: Transcript) -> bool:
    """It has removed all rows with that value, and there is one."""
    return t.committed(T2) and any(t.rows(T2))


def _both_saw(t: Transcript, rows: Mapping[int, int]) -> bool:
    return t.committed(T1, T2) and t.rows(T1)[:1] == t.rows(T2)[:1] == [rows]


def _two_states(t: Transcript) -> bool:
    seen = [value for rows in t.rows(T1) for value in rows.values()]
    return t.committed(T1) and seen in ([10, 18], [12, 20])


def _changed_since(t: Transcript) -> bool:
    return t.committed(T1) and any(12 in rows.values() for rows in t.rows(T1)[1:])


def _removes_nothing(t: Transcript) -> bool:
    """It saw the one row as it was before, and finds the other as it is after."""
    return t.committed(T1) and t.rows(T1) == [{1: 10}] and not t.of(T1, "delete")[0].changed


def _two_edges(t: Transcript) -> bool:
    """The first did not see the second, the third did, and did not see the first."""
    return t.committed(T1, T2, T3) and t.rows(T1) == [FIRST] and t.rows(T3) == [{1: 10, 2: 25}]


SCRIPTS = (
    Script(
        "g0",
        "G0",
        "write cycles",
        (_set(T1, 11, id=1), _set(T2, 12, id=1), _set(T1, 21, id=2), _end(T1), _set(T2, 22, id=2), _end(T2)),
        _mixed,
    ),
    Script(
        "g1a",
        "G1a",
        "aborted reads",
        (_set(T1, 101, id=1), _look(T2), Statement(T1, "abort"), _look(T2), _end(T2)),
        _sees(101),
    ),
    Script(
        "g1b",
        "G1b",
        "intermediate reads",
        (_set(T1, 101, id=1), _look(T2), _set(T1, 11, id=1), _end(T1), _look(T2), _end(T2)),
        _sees(101),
    ),
    Script(
        "g1c",
        "G1c",
        "circular information flow",
        (_set(T1, 11, id=1), _set(T2, 22, id=2), _look(T1, id=2), _look(T2, id=1), _end(T1), _end(T2)),
        _circle,
    ),
    Script(
        "otv",
        "OTV",
        "observed transaction vanishes",
        (
            *(_set(T1, 11, id=1), _set(T1, 19, id=2), _set(T2, 12, id=1), _end(T1), _look(T3, id=1)),
            *(_set(T2, 18, id=2), _look(T3, id=2), _end(T2), _look(T3, id=2), _look(T3, id=1), _end(T3)),
        ),
        _vanishes,
    ),
    Script(
        "pmp",
        "PMP",
        "predicate-many-preceders",
        (_look(T1, value=30), _add(T2, 3, 30), _end(T2), _look(T1, value=MANY), _end(T1)),
        _appears,
    ),
    Script(
        "pmp_write",
        "PMP",
        "predicate-many-preceders, for a write",
        (_set(T1, Plus(10)), _remove(T2, value=20), _end(T1), _look(T2, value=20), _end(T2)),
        _left_over,
    ),
    Script(
        "p4",
        "P4",
        "lost update",
        (_look(T1, id=1), _look(T2, id=1), _set(T1, 11, id=1), _set(T2, 11, id=1), _end(T1), _end(T2)),
        lambda t: _both_saw(t, {1: 10}),
    ),
    Script(
        "g_single",
        "G-single",
        "read skew",
        (
            *(_look(T1, id=1), _look(T2, id=1), _look(T2, id=2), _set(T2, 12, id=1), _set(T2, 18, id=2)),
            *(_end(T2), _look(T1, id=2), _end(T1)),
        ),
        _two_states,
    ),
    Script(
        "g_single_predicate",
        "G-single",
        "read skew, by a predicate",
        (_look(T1, value=AtLeast(5)), _set(T2, 12, value=10), _end(T2), _look(T1, value=12), _end(T1)),
        _changed_since,
    ),
    Script(
        "g_single_write",
        "G-single",
        "read skew, for a write",
        (
            *(_look(T1, id=1), _look(T2), _set(T2, 12, id=1), _set(T2, 18, id=2), _end(T2)),
            *(_remove(T1, value=20), _end(T1)),
        ),
        _removes_nothing,
    ),
    Script(
        "g2_item",
        "G2-item",
        "write skew on rows",
        (_look(T1), _look(T2), _set(T1, 11, id=1), _set(T2, 21, id=2), _end(T1), _end(T2)),
        lambda t: _both_saw(t, FIRST),
    ),
    Script(
        "g2",
        "G2",
        "write skew on a predicate",
        (
            *(_look(T1, value=MANY), _look(T2, value=MANY), _add(T1, 3, 30), _add(T2, 4, 42)),
            *(_end(T1), _end(T2)),
        ),
        lambda t: _both_saw(t, {}),
    ),
    Script(
        "g2_two_edges",
        "G2",
        "two anti-dependencies, and one who only reads",
        (
            *(_look(T1), _set(T2, Plus(5), id=2), _end(T2), _look(T3), _end(T3)),
            *(_set(T1, 0, id=1), _end(T1)),
        ),
        _two_edges,
    ),
)
BY_NAME = {script.name: script for script in SCRIPTS}
ANOMALIES = tuple(dict.fromkeys(script.anomaly for script in SCRIPTS))

PUBLISHED: Mapping[str, frozenset[str]] = {
    "read committed": frozenset(("PMP", "P4", "G-single", "G2-item", "G2")),
    "repeatable read": frozenset(("G2-item", "G2")),
    "serializable": frozenset(),
}
"""What PostgreSQL lets through at each level: the table in Hermitage's README."""
