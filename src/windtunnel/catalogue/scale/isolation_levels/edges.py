"""Who has to come before whom, by what was read and written: the dependencies of Adya (1999) in one transcript.

`rw`: it read what the other wrote a newer version of, or would have found a row that the other put in. `wr`: it wrote
what the other read. A circle of them means that no order of the transactions explains what they saw. Of those who were
rolled back nothing counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from windtunnel.catalogue.scale.isolation_levels.mvcc import fits
from windtunnel.catalogue.scale.isolation_levels.transcripts import FIRST, Said, Transcript
from windtunnel.engines import Plus

Edge = tuple[str, str, str, str]
"""From, to, why, and which kind."""


def edges(t: Transcript) -> list[Edge]:
    """All of them, each once."""
    sessions = dict.fromkeys(one.step.who for one in t.said)
    there = [who for who in sessions if t.committed(who) and t.of(who, "commit")]
    written = {who: _written(t, who) for who in there}
    found: dict[tuple[str, str, str], str] = {}
    for reader in there:
        for look in t.of(reader, "select"):
            for writer in there:
                if writer != reader:
                    for which, why in _between(look, written[writer], t, written[reader]):
                        pair = (reader, writer) if which == "rw" else (writer, reader)
                        found.setdefault((*pair, which), why)
    return [(first, then, why, which) for (first, then, which), why in found.items()]


def _written(t: Transcript, who: str) -> dict[int, int]:
    """The last value that it wrote to each row. Of what adds, to the row as it was first."""
    written: dict[int, int] = {}
    for one in (*t.of(who, "insert"), *t.of(who, "update")):
        where, values = one.step.where or {}, one.step.values or {}
        value = values.get("value")
        inserted = values.get("id")
        rows = [inserted] if isinstance(inserted, int) else [k for k, v in FIRST.items() if fits(_row(k, v), where)]
        for key in rows if one.changed else ():
            if isinstance(key, int):
                new = FIRST[key] + value.amount if isinstance(value, Plus) else value
                written[key] = int(new) if isinstance(new, int) else 0
    return written


def _row(key: int, value: int) -> dict[str, int | float | str | None]:
    return {"id": key, "value": value}


def _between(look: Said, written: dict[int, int], t: Transcript, own: dict[int, int]) -> Iterator[tuple[str, str]]:
    """What one look says of another's writes: it saw one (`wr`), or should have and did not (`rw`)."""
    rows, where = look.rows or {}, look.step.where or {}
    for key, value in written.items():
        if rows.get(key) == value and own.get(key) != value:
            yield "wr", f"{key} = {value}"
        elif key in rows and rows[key] == FIRST.get(key):
            yield "rw", f"{key} = {rows[key]}, then {value}"
        elif key not in rows and key not in FIRST and fits(_row(key, value), where):
            yield "rw", f"no {key}, then {value}"
