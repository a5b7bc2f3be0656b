"""The job of q11-ad-clicks on Apache Flink, on Spark Structured Streaming and in our own designs: the same file of
clicks, and a bill that DuckDB finds in the whole of it.

`python examples/ad_clicks` asks those that are here; `make setup-flink` and `make setup-spark` get the others. It ends
with 1 where a corrected bill is not the batch's, to the cent.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from bills import Bill, Outcome, answer, cut, draw, of_flink, of_ours, of_spark
from jobs import asked, missing, ours
from machine import about

ENGINES = ("ours", "flink", "spark")
CLICKS, SEED = 20_000, 0


def outcome(engine: str, file: Path, pieces: Path, folder: Path, killed: bool = False) -> Outcome:
    """What an engine makes of the clicks."""
    if engine == "flink":
        return of_flink(asked("flink", file, folder, killed))
    if engine == "spark":
        return of_spark(asked("spark", pieces, folder, killed), file)
    return of_ours(ours(file, folder))


def off_cents(bill: Bill, whole: Bill) -> int:
    """By how much two bills differ, over all ads and minutes."""
    return sum(abs(bill.get(key, 0) - whole.get(key, 0)) for key in {*bill, *whole})


def row(found: Outcome, whole: Bill) -> dict[str, Any]:
    """What is told of an engine."""
    said = {name: found.told[name] for name in SAID if name in found.told}
    return {
        "engine": found.engine,
        "corrected_off_cents": off_cents(found.corrected, whole),
        "streamed_off_cents": off_cents(found.streamed, whole),
        "windows_off": sum(found.streamed.get(key) != cents for key, cents in whole.items()),
        "late": found.late,
        "left_out": found.left_out,
        **{name: round(value, 1) if isinstance(value, float) else value for name, value in said.items()},
    }


SAID = ("start_s", "stream_s", "cpu_s", "memory_mb", "batches", "restored")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python examples/ad_clicks", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("engines", nargs="*", help=f"which are asked, of {', '.join(ENGINES)}; all by default")
    parser.add_argument("--clicks", type=int, default=CLICKS, help=f"how many are drawn; {CLICKS:,} by default")
    parser.add_argument("--seed", type=int, default=SEED, help="which are drawn")
    parser.add_argument("--json", type=Path, help="a file to note in what was found of those that are asked")
    given = parser.parse_args()
    if unknown := {*given.engines} - {*ENGINES}:
        parser.error(f"There is no engine '{min(unknown)}' here; take some of {', '.join(ENGINES)}.")
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="ad-clicks-") as made:
        folder = Path(made)
        file = draw(given.clicks, given.seed, folder)
        pieces, whole = cut(file, folder / "pieces"), answer(file)
        print(f"{sum(whole.values()):,} cents of {len(whole)} ads and minutes, as DuckDB finds in the file", flush=True)
        for engine in given.engines or ENGINES:
            why = "" if engine == "ours" else missing(engine)
            if why:
                print(why, flush=True)
                continue
            for killed in (False,) if engine == "ours" else (False, True):
                found = outcome(engine, file, pieces, folder / f"{engine}-{killed}", killed)
                rows.append({"name": engine, "killed": killed, **row(found, whole)})
                print(spoken(rows[-1]), flush=True)
    if given.json:
        note(given.json, {"clicks": given.clicks, "seed": given.seed, "cents": sum(whole.values())}, rows)
    return int(any(one["corrected_off_cents"] for one in rows))


def note(file: Path, of: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Write what was found; what was found before of others, in the same clicks, stays."""
    before = json.loads(file.read_text("utf-8")) if file.exists() else {"rows": []}
    if of.items() <= before.items():
        names = {one["name"] for one in rows}
        rows = [*rows, *(one for one in before["rows"] if one["name"] not in names)]
    rows.sort(key=lambda one: (ENGINES.index(one["name"]), one["killed"]))
    file.write_text(json.dumps({**of, "rows": rows, "machine": about()}, indent=1) + "\n", "utf-8")


def line(one: dict[str, Any]) -> str:
    """A row of the table in docs/flink-and-spark.md. Of who was killed, no seconds: half of them died too."""
    held = one["memory_mb"]
    took = f"{one['start_s']:.0f} + {one['stream_s']:.0f} s" if "stream_s" in one else f"{one['cpu_s']:.0f} s"
    cost = " | |" if one["killed"] else f" {took} | {held.get('java', max(held.values(), default=0)):,} MB |"
    return (
        f"| {one['engine']}{', killed' if one['killed'] else ''} | {one['late']:,} | {one['left_out']:,} | "
        f"{one['streamed_off_cents']:,} | {one['corrected_off_cents']} |{cost}"
    )


def spoken(one: dict[str, Any]) -> str:
    """A row in words."""
    name = one["engine"] + (", killed in the middle" if one["killed"] else "")
    return (
        f"{name}: {one['late']:,} rows dropped as late, {one['left_out']:,} clicks billed nowhere, "
        f"{one['streamed_off_cents']:,} cents in {one['windows_off']} windows; corrected, "
        f"{one['corrected_off_cents']:,} cents off"
    )


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
