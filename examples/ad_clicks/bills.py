"""Bills of ads and minutes: what a whole file comes to, and what a stream billed with what it left out."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from windtunnel import find
from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click, Stream, mixed, start_of

NUMBER = 1
"""Which of the experiment's spans of event time these clicks are in."""
P: Any = find("q11-ad-clicks").params()
"""The experiment's defaults: windows of a minute, a watermark that is 30 s behind, 2 % doubled, 1 % far too late."""
UNTIL_MS = Stream(NUMBER, "long", "", (), 1, ()).until_ms
"""Windows that begin before this are judged: all but that of the click which ends the stream."""
PIECES = 20
Bill = dict[tuple[int, int], int]
"""Cents by ad and beginning of the minute."""


# --- the file --------------------------------------------------------------------------------------------------------
def draw(clicks: int, seed: int, folder: Path) -> Path:
    """Write so many clicks, drawn as the experiment draws them, as lines of JSON, in the order in which they come."""
    file = folder / "clicks.jsonl"
    drawn = mixed(NUMBER, clicks, P, Random(seed))
    file.write_text("".join(json.dumps(click._asdict()) + "\n" for click in drawn), "utf-8")
    return file


def read(file: Path) -> list[Click]:
    """The clicks of a file."""
    return [Click(**json.loads(line)) for line in file.read_text("utf-8").splitlines()]


def cut(file: Path, folder: Path) -> Path:
    """The same lines in pieces, for who reads whole files, each older than the next; their folder."""
    lines = file.read_text("utf-8").splitlines(keepends=True)
    folder.mkdir()
    for i in range(PIECES):
        piece = folder / f"{i:02}.json"
        piece.write_text("".join(lines[i * len(lines) // PIECES : (i + 1) * len(lines) // PIECES]), "utf-8")
        os.utime(piece, (10**9 + i, 10**9 + i))
    return folder


def answer(file: Path) -> Bill:
    """What DuckDB finds in the whole file, each click once."""
    import duckdb

    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT ad, at_ms // $width * $width AS start_ms, sum(cents) FROM (SELECT DISTINCT * FROM read_json($file, "
            "format = 'newline_delimited', columns = {id: 'TEXT', ad: 'INT', at_ms: 'BIGINT', cents: 'BIGINT'})) "
            "WHERE start_ms < $until GROUP BY ALL",
            {"width": round(1000 * P.window_s), "file": str(file), "until": UNTIL_MS},
        ).fetchall()
    return {(ad, start_ms): int(cents) for ad, start_ms, cents in rows}


# --- what came of it -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Outcome:
    """What an engine made of the file.

    Args:
        engine: its name and version.
        streamed: what its windows billed as the clicks came.
        corrected: that, and what it had left out.
        late: rows that it says it dropped as late, doubled ones among them where it drops before it knows ids.
        left_out: clicks that it billed nowhere, each once.
        told: what else it said of itself: seconds, memory.
    """

    engine: str
    streamed: Bill
    corrected: Bill
    late: int
    left_out: int
    told: Mapping[str, Any]


def judged(rows: Iterable[Sequence[Any]]) -> Bill:
    """A bill of rows that begin with ad, beginning and cents. Raises ValueError where a window is billed twice."""
    bill: Bill = {}
    for ad, start_ms, cents, *_ in rows:
        if (ad, start_ms) in bill:
            raise ValueError(f"The window of ad {ad} that begins at {start_ms} is billed twice; it has to be once.")
        if start_ms < UNTIL_MS:
            bill[ad, start_ms] = cents
    return bill


def corrected(streamed: Bill, left_out: Iterable[Click]) -> Bill:
    """What a stream billed stays as it is; each click that it left out is added to its minute."""
    bill = Counter(streamed)
    for click in left_out:
        if start_of(click.at_ms, P) < UNTIL_MS:
            bill[click.ad, start_of(click.at_ms, P)] += click.cents
    return dict(bill)


def of_ours(told: Mapping[str, Any]) -> Outcome:
    """The design corrects its own windows at night."""
    return Outcome(told["engine"], judged(told["windows"]), judged(told["bill"]), told["late"], told["late"], told)


def of_flink(told: Mapping[str, Any]) -> Outcome:
    """It puts aside what its windows drop, and knows each id by then: each row is a click that is billed nowhere."""
    streamed, late = judged(told["windows"]), [Click(*row) for row in told["late"]]
    return Outcome(told["engine"], streamed, corrected(streamed, late), len(late), len(late), told)


def of_spark(told: Mapping[str, Any], file: Path) -> Outcome:
    """It only counts what it drops. But its windows name the ids that they hold, and the file has all."""
    streamed = judged(told["windows"])
    known = {id_ for *_, ids in told["windows"] for id_ in ids}
    left = {click.id: click for click in read(file) if click.id not in known and start_of(click.at_ms, P) < UNTIL_MS}
    return Outcome(told["engine"], streamed, corrected(streamed, left.values()), told["late"], len(left), told)
