"""Histories as JSON lines, so that other systems can be judged: one operation a line (see `docs/checking.md`).

Lines as Jepsen writes them, an `invoke` and later its `ok`, `fail` or `info`, are read too.
"""

from __future__ import annotations

import codecs
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from windtunnel.lab.checkers.describe import shown
from windtunnel.lab.history import Event, History, Outcome

FORMAT: Final = "windtunnel-history"
VERSION: Final = 1
_KEYS: Final = frozenset({"client", "name", "args", "start", "end", "outcome", "value", "due", "id"})
_OUTCOMES: Final[Mapping[object, Outcome]] = {"ok": "ok", "fail": "fail", "unknown": "unknown", "info": "unknown"}
_JEPSEN_TYPES: Final = ("invoke", "ok", "fail", "info")


DEEPEST: Final = 100
"""Lists and objects that may lie within each other on a line."""
LATEST: Final = 1e300
"""Times are smaller than that, in seconds or nanoseconds."""
_TOO_DEEP: Final = f"lists and objects lie more than {DEEPEST} deep within each other."


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
        data = file.read_bytes()
    except OSError as why:
        raise HistoryFileError(f"{file} cannot be read: {why.strerror}.") from None
    return parse_history(data, str(file))


def parse_history(data: bytes, name: str) -> History:
    """As `read_history`, of what a file of that name holds: UTF-8, or UTF-16 and UTF-32 with a mark in front."""
    text = _text(data, name)
    facts: dict[str, Any] = {}
    events: list[Event] = []
    pending: dict[str, tuple[int, dict[str, Any]]] = {}
    first = True
    for number, raw in enumerate(text.split("\n"), 1):  # other separators may stand inside strings
        line = raw.strip(" \t\r\ufeff")
        if not line:
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
            raise HistoryFileError(f"{name}, line {number}: {why}") from None
        first = False
    for _, invoked in sorted(pending.values(), key=lambda p: p[0]):  # never answered
        events.append(_jepsen_event(invoked, None))
    return History(events, facts)


_MARKS: Final = (  # the longer ones first
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def _text(data: bytes, name: str) -> str:
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        plain = encoding.removesuffix("-sig").upper()
        raise HistoryFileError(f"{name} cannot be read: it is not {plain} text.") from None


def write_history(history: History, path: str | os.PathLike[str]) -> None:
    """Write a history so that `read_history` gives an equal one. Values must be plain data (JSON)."""
    with Path(path).open("w", encoding="utf-8") as out:
        header = {"format": FORMAT, "version": VERSION, "facts": history.facts}
        out.write(json.dumps(header) + "\n")
        for e in history:
            line = {"client": e.client, "name": e.name, "args": list(e.args), "start": e.start, "end": e.end}
            line |= {"outcome": e.outcome, "value": e.value, "due": e.due, "id": e.id}
            try:
                out.write(json.dumps(line, allow_nan=False) + "\n")
            except (TypeError, ValueError):
                raise ValueError(f"{shown(e)} cannot be written: a history in a file holds plain data only.") from None


def _object(line: str) -> dict[str, Any]:
    try:
        record = _DECODER.decode(line)
    except json.JSONDecodeError as why:
        raise _BadLineError(f"this is not JSON ({why.msg} at column {why.colno}).") from None
    except RecursionError:
        raise _BadLineError(_TOO_DEEP) from None
    except _BadLineError:
        raise
    except ValueError:  # of int()
        raise _BadLineError("a number has more than 4,300 digits, which is no value that can be compared.") from None
    if not isinstance(record, dict):
        raise _BadLineError("an operation is a JSON object, like {...}.")
    if line.count("[") + line.count("{") > DEEPEST and _depth(record) > DEEPEST:
        raise _BadLineError(_TOO_DEEP)
    return record


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _BadLineError(f"the name {twice!r} stands twice in one object.")
    return found


def _constant(name: str) -> float:
    raise _BadLineError(f"{name} is no JSON; write null, or a string.")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        shown = digits if len(digits) < 20 else f"{digits[:12]}..."
        raise _BadLineError(f"the number {shown} is too great to be compared.")
    return number


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float)


def _depth(value: object) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        inner, depth = waiting.pop()
        if isinstance(inner, dict | list):
            deepest = max(deepest, depth)
            waiting += [(v, depth + 1) for v in (inner.values() if isinstance(inner, dict) else inner)]
    return deepest


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
        raise _BadLineError(f"'outcome' must be ok, fail or unknown, not {shown(record['outcome'])}.")
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
    if not isinstance(place, int) or isinstance(place, bool):
        raise _BadLineError("'id' must be a whole number.")
    if not isinstance(record["client"], str | int) or isinstance(record["client"], bool):
        raise _BadLineError("'client' must be a string or a whole number.")
    client, value = str(record["client"]), record.get("value")
    return Event(client, record["name"], tuple(args), start, end, outcome, value, due, place)


def _seconds(record: Mapping[str, Any], key: str) -> float:
    value = record[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < LATEST:
        raise _BadLineError(f"{key!r} must be a number of seconds, not {shown(value)}.")
    return value


def _jepsen(record: dict[str, Any], number: int, pending: dict[str, tuple[int, dict[str, Any]]]) -> Iterator[Event]:
    """An operation once both of its lines are read. Lines of the nemesis (whose process is no number) are skipped."""
    if not isinstance(record["process"], int) or isinstance(record["process"], bool):
        return
    if record["type"] not in _JEPSEN_TYPES:
        raise _BadLineError(f"'type' must be one of {', '.join(_JEPSEN_TYPES)}, not {shown(record['type'])}.")
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
    if ended is not None and ended["time"] < invoked["time"]:
        raise _BadLineError(f"'time' ({ended['time']:g}) is before that of its invocation ({invoked['time']:g}).")
    if ended is None or ended["type"] == "info":
        end = start if ended is None else ended["time"] / 1e9
        return Event(str(invoked["process"]), name, args, start, end, "unknown")
    value = True if name == "cas" else ended.get("value")
    outcome: Outcome = "ok" if ended["type"] == "ok" else "fail"
    return Event(str(invoked["process"]), name, args, start, ended["time"] / 1e9, outcome, value)
