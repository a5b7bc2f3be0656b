"""Event-time windows: events a second into counts, sums, least and greatest values by key and minute.

DuckDB and Polars group a whole table at once, without watermarks, late data or state from one batch to the next; ours
takes the same arrays in batches of 100,000 and gives windows out as they are complete.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

from bench.harness import Row, Timed

EVENTS = 1_000_000
SINGLE = 50_000
SIZE_MS, DISORDER_MS = 60_000, 500
PACKAGES = ("duckdb", "polars", "bytewax", "pyarrow")


def rows() -> Iterator[Row]:
    import numpy as np

    os.environ.setdefault("POLARS_MAX_THREADS", "1")
    random = np.random.default_rng(1)
    times = np.arange(EVENTS) + random.integers(0, DISORDER_MS, EVENTS)
    values = random.random(EVENTS)
    for clients in (100, 10_000, 200_000):
        keys = random.integers(0, clients, EVENTS)
        yield Row(
            f"tumbling windows of a minute: a million events in 17 minutes, {clients:,} keys",
            {
                "ours, from arrays": lambda keys=keys: ours_batch(keys, times, values),
                "duckdb": lambda keys=keys: duckdb(keys, times, values),
                "polars": lambda keys=keys: polars(keys, times, values),
                "plain dictionary": lambda keys=keys: dictionary(keys, times, values),
            },
            unit="events/s",
            bar=1.0,
            packages=PACKAGES,
        )
    keys = random.integers(0, 100, SINGLE)
    single = keys, times[:SINGLE] * 20, values[:SINGLE]
    yield Row(
        "tumbling windows, one event at a time, 100 keys",
        {
            "ours": lambda: ours_single(*single),
            "plain dictionary": lambda: dictionary(*single),
            "bytewax": lambda: bytewax(*single),
        },
        unit="events/s",
        against="bytewax",
        packages=PACKAGES,
        note="the dictionary knows no watermark and never gives anything out",
    )


def ours_batch(keys: Any, times: Any, values: Any) -> Timed:
    from windtunnel.blocks.streams import BatchTumbling

    def run() -> int:
        windows = BatchTumbling(SIZE_MS, delay_ms=DISORDER_MS)
        for start in range(0, EVENTS, 100_000):
            part = slice(start, start + 100_000)
            windows.add(keys[part], times[part], values[part])
        windows.finish()
        return len(keys)

    return run


def duckdb(keys: Any, times: Any, values: Any) -> Timed:
    import duckdb
    import pyarrow

    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.register("events", pyarrow.table({"key": keys, "time": times, "value": values}))

    def run() -> int:
        connection.execute(
            f"SELECT key, time // {SIZE_MS} AS span, count(*), sum(value), min(value), max(value) "
            "FROM events GROUP BY key, span"
        ).fetchnumpy()
        return len(keys)

    return run


def polars(keys: Any, times: Any, values: Any) -> Timed:
    import polars

    events = polars.DataFrame({"key": keys, "time": times, "value": values})
    value = polars.col("value")

    def run() -> int:
        events.lazy().group_by("key", polars.col("time") // SIZE_MS).agg(
            polars.len(), value.sum().alias("sum"), value.min().alias("least"), value.max().alias("greatest")
        ).collect()
        return len(keys)

    return run


def dictionary(keys: Any, times: Any, values: Any) -> Timed:
    events = list(zip(keys.tolist(), times.tolist(), values.tolist(), strict=True))

    def run() -> int:
        panes: dict[tuple[int, int], list[float]] = {}
        for key, time, value in events:
            place = key, time // SIZE_MS
            pane = panes.get(place)
            if pane is None:
                panes[place] = [1, value, value, value]
            else:
                pane[0] += 1
                pane[1] += value
                if value < pane[2]:
                    pane[2] = value
                if value > pane[3]:
                    pane[3] = value
        return len(events)

    return run


def ours_single(keys: Any, times: Any, values: Any) -> Timed:
    from windtunnel.blocks.streams import BoundedDisorder, Stats, Tumbling, WindowedAggregate

    events = list(zip(keys.tolist(), times.tolist(), values.tolist(), strict=True))

    def run() -> int:
        windows, watermark = WindowedAggregate(Tumbling(SIZE_MS), Stats()), BoundedDisorder(20 * DISORDER_MS)
        for key, time, value in events:
            windows.add(key, time, value)
            windows.advance(watermark.observe(time))
        return len(events)

    return run


def bytewax(keys: Any, times: Any, values: Any) -> Timed:
    import bytewax.operators as op
    from bytewax.dataflow import Dataflow
    from bytewax.operators.windowing import EventClock, TumblingWindower, fold_window
    from bytewax.testing import TestingSink, TestingSource, run_main

    start = datetime(2026, 1, 1, tzinfo=timezone.utc)  # noqa: UP017  (3.10 has no UTC, and bytewax wants timezone)
    events = [
        (str(key), (start + timedelta(milliseconds=time), value))
        for key, time, value in zip(keys.tolist(), times.tolist(), values.tolist(), strict=True)
    ]

    def add(pane: list[float], item: tuple[datetime, float]) -> list[float]:
        value = item[1]
        return [pane[0] + 1, pane[1] + value, min(pane[2], value), max(pane[3], value)]

    def merge(pane: list[float], other: list[float]) -> list[float]:
        return [pane[0] + other[0], pane[1] + other[1], min(pane[2], other[2]), max(pane[3], other[3])]

    def run() -> int:
        flow = Dataflow("windows")
        stream = op.input("in", flow, TestingSource(events, 1000))
        clock = EventClock(lambda item: item[0], wait_for_system_duration=timedelta(milliseconds=20 * DISORDER_MS))
        windower = TumblingWindower(align_to=start, length=timedelta(milliseconds=SIZE_MS))
        folded = fold_window("fold", stream, clock, windower, lambda: [0, 0.0, float("inf"), float("-inf")], add, merge)
        out: list[Any] = []
        op.output("out", folded.down, TestingSink(out))
        run_main(flow)
        return len(events)

    return run
