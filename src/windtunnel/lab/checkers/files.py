"""Histories as JSON lines, so that other systems can be judged: one operation a line (see `docs/checking.md`).

Lines as Jepsen writes them, an `invoke` and later its `ok`, `fail` or `info`, are read too.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from windtunnel.lab.history import Event, History, Outcome

FORMAT: Final = "windtunnel-history"
VERSION: Final = 1
_KEYS: Final = frozenset({"client", "name", "args", "start", "end", "outcome", "value", "due", "id"})
_OUTCOMES: Final[Mapping[object, Outcome]] = {"ok": "ok", "fail": "fail", "unknown": "unknown", "info": "unknown"}
_JEPSEN_TYPES: Final = ("invoke", "ok", "fail", "info")


class HistoryFileError(ValueError):
    """A history file that cannot be read; the sentence names the file, the line and what would be right."""


class _BadLineError(ValueError):
    """What is wrong with one line."""


def read_history(path: str | os.PathLike[str]) -> History:
    """Read a history. Operations keep the order of the file.

    Raises HistoryFileError for anything that is not of the documented form.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as why:
        reason = why.strerror if isinstance(why, OSError) else "it is not UTF-8 text"
        raise HistoryFileError(f"{file} cannot be read: {reason}.") from None
    facts: dict[str, Any] = {}
    events: list[Event] = []
    pending: dict[str, tuple[int, dict[str, Any]]] = {}
    first = True
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            record = _object(line)
            if first and "format" in record:
                facts = _header(record)
            elif "type" in record and "process" in record:
                events += _jepsen(record, number, pending)
            else:
                events.append(_event(record))
        except _BadLineError as why:
            raise HistoryFileError(f"{file}, line {number}: {why}") from None
        first = False
    for _, invoked in sorted(pending.values(), key=lambda p: p[0]):  # never answered
        events.append(_jepsen_event(invoked, None))
    return History(events, facts)


def write_history(history: History, path: str | os.PathLike[str]) -> None:
    """Write a history so that `read_history` gives an equal one. Values must be plain data (JSON)."""
    with Path(path).open("w", encoding="utf-8") as out:
        header = {"format": FORMAT, "version": VERSION, "facts": history.facts}
        out.write(json.dumps(header) + "\n")
        for e in history:
            line = {"client": e.client, "name": e.name, "args": list(e.args), "start": e.start, "end": e.end}
            line |= {"outcome": e.outcome, "value": e.value, "due": e.due, "id": e.id}
            out.write(json.dumps(line) + "\n")


def _object(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as why:
        raise _BadLineError(f"this is not JSON ({why.msg} at column {why.colno}).") from None
    if not isinstance(record, dict):
        raise _BadLineError("an operation is a JSON object, like {...}.")
    return record


def _header(record: Mapping[str, Any]) -> dict[str, Any]:
    if record["format"] != FORMAT or record.get("version") != VERSION:
        raise _BadLineError(f'the header must say {{"format": "{FORMAT}", "version": {VERSION}}}.')
    facts = record.get("facts", {})
    if not isinstance(facts, dict):
        raise _BadLineError("'facts' must be an object.")
    return facts


def _event(record: Mapping[str, Any]) -> Event:
    strange = sorted(record.keys() - _KEYS)
    if strange:
        raise _BadLineError(f"{strange[0]!r} is no field of an operation; there are {', '.join(sorted(_KEYS))}.")
    for key in ("client", "name", "start"):
        if key not in record:
            raise _BadLineError(f"{key!r} is missing.")
    if not isinstance(record["name"], str):
        raise _BadLineError("'name' must be a string.")
    args = record.get("args", [])
    if not isinstance(args, list):
        raise _BadLineError("'args' must be a list.")
    outcome = _OUTCOMES.get(record.get("outcome", "ok")) if isinstance(record.get("outcome", "ok"), str) else None
    if outcome is None:
        raise _BadLineError(f"'outcome' must be ok, fail or unknown, not {record['outcome']!r}.")
    start = _seconds(record, "start")
    if record.get("end") is None and outcome == "unknown":
        end = start
    elif "end" not in record:
        raise _BadLineError("'end' is missing; only an unknown operation has none.")
    else:
        end = _seconds(record, "end")
    if end < start:
        raise _BadLineError(f"'end' ({end:g}) is before 'start' ({start:g}).")
    due = _seconds(record, "due") if "due" in record else -1.0
    place = record.get("id", -1)
    if not isinstance(place, int):
        raise _BadLineError("'id' must be a whole number.")
    client, value = str(record["client"]), record.get("value")
    return Event(client, record["name"], tuple(args), start, end, outcome, value, due, place)


def _seconds(record: Mapping[str, Any], key: str) -> float:
    value = record[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _BadLineError(f"{key!r} must be a number of seconds, not {value!r}.")
    return value


def _jepsen(record: dict[str, Any], number: int, pending: dict[str, tuple[int, dict[str, Any]]]) -> Iterator[Event]:
    """An operation once both of its lines are read. Lines of the nemesis (whose process is no number) are skipped."""
    if not isinstance(record["process"], int):
        return
    if record["type"] not in _JEPSEN_TYPES:
        raise _BadLineError(f"'type' must be one of {', '.join(_JEPSEN_TYPES)}, not {record['type']!r}.")
    if not isinstance(record.get("f"), str):
        raise _BadLineError("'f' must be the name of the operation.")
    if "time" not in record:
        raise _BadLineError("'time' is missing (nanoseconds).")
    process, record = str(record["process"]), {**record, "time": _seconds(record, "time")}
    if record["type"] == "invoke":
        if process in pending:
            raise _BadLineError(
                f"process {process} invokes again before its operation of line {pending[process][0]} ended."
            )
        pending[process] = (number, record)
    elif process not in pending:
        raise _BadLineError(f"process {process} ends an operation that it never invoked.")
    else:
        yield _jepsen_event(pending.pop(process)[1], record)


def _jepsen_event(invoked: Mapping[str, Any], ended: Mapping[str, Any] | None) -> Event:
    name, asked = invoked["f"], invoked.get("value")
    args = () if asked is None else (asked,)
    if name == "cas" and isinstance(asked, list):
        args = tuple(asked)
    start = invoked["time"] / 1e9
    if ended is None or ended["type"] == "info":
        end = start if ended is None else ended["time"] / 1e9
        return Event(str(invoked["process"]), name, args, start, end, "unknown")
    value = True if name == "cas" else ended.get("value")
    outcome: Outcome = "ok" if ended["type"] == "ok" else "fail"
    return Event(str(invoked["process"]), name, args, start, ended["time"] / 1e9, outcome, value)
