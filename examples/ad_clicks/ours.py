"""The job in the experiment's own designs: `python ours.py FILE`, with the Python of `make setup`.

It tells the clicks of a file to `windows`, which drops what is late as Flink and Spark do, and to `corrected`, the best
design, which counts such windows again at night. Both run in the tunnel: their text is what they run as on SQLite and
PostgreSQL, their seconds are those of a model with one browser that waits for each answer.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from bills import NUMBER, PIECES, P, read
from machine import end_with_who_asked, memory_mb

from windtunnel import Event, History, Op, __version__, find, run
from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click, Stream
from windtunnel.catalogue.interview.q11_ad_clicks.judging import came, late


def billed(design: str, s: Stream) -> Any:
    """What the experiment's rig makes of this one stream."""
    kept: list[Event] = []

    def workload(p: Any, luck: Random) -> Iterable[Op]:
        yield Op(0.0, "browsers", "stream", (*s[:-1], tuple(map(tuple, s.clicks))), think_s=0.0)

    def measure(history: History, p: Any) -> dict[str, float]:
        kept.extend(history.where(name="stream"))
        return {}

    own = find("q11-ad-clicks")
    bare = replace(own, claims=(), charts=(), figures=(), asks=(), why=(), maps=(), board=None)
    run(replace(bare, workload=workload, measure=measure), "sim", designs=[design], seeds=[0], jobs=1)
    (event,) = kept
    assert event.outcome == "ok", event
    return event.value["bill"]  # type: ignore[index]  # what its rig tells of a stream


def main(file: Path) -> None:
    end_with_who_asked()
    clicks: list[Click] = read(file)
    s = Stream(NUMBER, "long", "", (), max(1, len(clicks) // PIECES), clicks)
    windows = billed("windows", s)
    began = time.process_time()
    bill = billed("corrected", s)
    told = {
        "engine": f"Windtunnel {__version__}",
        "windows": windows,
        "bill": bill,
        "late": len(late(came(s, P), 0)),
        "late_ids": sorted(click.id for click, again, past_ms in came(s, P) if not again and past_ms >= 0),
        "cpu_s": time.process_time() - began,
        "memory_mb": memory_mb(),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
