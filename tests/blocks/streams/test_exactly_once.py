"""What a stream job promises over errors in one process, odd keys, and logs that are not its own."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from helpers.in_memory import database
from windtunnel.blocks.durability.log import Log, Record
from windtunnel.blocks.ground.envelope import DamagedError
from windtunnel.blocks.ground.files import DiskFiles, InUse
from windtunnel.blocks.streams.windows import Count, Fold, Result, Session, Stats, Sum, Tumbling, WindowedAggregate
from windtunnel.blocks.streams.windows_batch import BatchTumbling
from windtunnel.blocks.streams.windows_job import Deduplicator, Event, SqlSink, StreamJob
from windtunnel.blocks.streams.windows_watermark import BoundedDisorder


class Flaky:
    """A sink that is away at its n-th call, before or after it has taken the results."""

    def __init__(self, away_at: int, after: bool) -> None:
        self.sink = SqlSink(database())
        self.calls, self.away_at, self.after = 0, away_at, after

    def put(self, results: Iterable[Result]) -> None:
        self.calls += 1
        if self.calls == self.away_at and not self.after:
            raise OSError("away")
        self.sink.put(results)
        if self.calls == self.away_at:
            raise OSError("away")


def read(record: Record) -> Event:
    assert record.value is not None
    return Event(*json.loads(record.value))


def job(root: Path, log: Log, sink: Any, name: str = "job") -> StreamJob:
    windows: WindowedAggregate[Any, Any] = WindowedAggregate(Session(4), Sum(), allowed_lateness_ms=60)
    return StreamJob(
        DiskFiles(root), name, log, read, windows, BoundedDisorder(10), sink,
        deduplicator=Deduplicator(500), checkpoint_every=7,
    )  # fmt: skip


def filled(root: Path, name: str = "log", events: int = 40, value: int = 1) -> Log:
    log = Log(DiskFiles(root), name)
    log.append_many([json.dumps(["ab"[n % 2], n * 3 + n % 5, value, f"id{n % 35}"]).encode() for n in range(events)])
    log.sync()
    return log


def test_a_job_that_is_run_again_after_an_error_counts_every_event_once(tmp_path: Path) -> None:
    with filled(tmp_path) as log:
        whole = SqlSink(database())
        job(tmp_path, log, whole, "whole").run(finish=True)
        for away_at in range(1, 7):
            for after in (False, True):
                sink = Flaky(away_at, after)
                one = job(tmp_path, log, sink, f"{away_at}{after}")
                with pytest.raises(OSError, match="away"):
                    one.run(finish=True)
                one.run(finish=True)
                assert sink.sink.results() == whole.results()
                assert one.run() == 0


def test_a_job_goes_on_from_what_another_object_has_done_meanwhile(tmp_path: Path) -> None:
    with filled(tmp_path) as log:
        sink = SqlSink(database())
        one, other = (job(tmp_path, log, sink) for _ in range(2))
        assert (one.run(), other.run()) == (40, 0)
        log.append(json.dumps(["a", 500, 1]).encode())
        assert (other.run(), one.run(finish=True)) == (1, 0)
        whole = SqlSink(database())
        job(tmp_path, log, whole, "whole").run(finish=True)
        assert sink.results() == whole.results()


def test_two_runs_of_one_job_at_a_time_are_refused(tmp_path: Path) -> None:
    with filled(tmp_path) as log:

        class Meddling:
            def put(self, results: Iterable[Result]) -> None:
                with pytest.raises(InUse):
                    job(tmp_path, log, self).run()

        assert job(tmp_path, log, Meddling()).run() == 40


def test_a_checkpoint_of_another_log_is_an_error(tmp_path: Path) -> None:
    sink = SqlSink(database())
    with filled(tmp_path) as log:
        job(tmp_path, log, sink).run()
    before = (tmp_path / "job" / "checkpoint").read_bytes()
    with filled(tmp_path, "shorter", 30) as log, pytest.raises(DamagedError, match="older copy"):
        job(tmp_path, log, sink)
    with filled(tmp_path, "other", 90, value=2) as log, pytest.raises(DamagedError, match="another log"):
        job(tmp_path, log, sink)
    assert (tmp_path / "job" / "checkpoint").read_bytes() == before


KEYS = ["a", "1", 1, -(2**63), 2**64 - 5, ("user", "de"), ("user", 1), (("a",), 2**70), np.int64(7), np.uint64(2**63)]


def test_every_key_that_is_taken_is_found_in_the_checkpoint_and_in_the_sink() -> None:
    windows: WindowedAggregate[Any, Any] = WindowedAggregate(Tumbling(10), Sum())
    for number, key in enumerate(KEYS):
        windows.add(key, 5, number)
    back: WindowedAggregate[Any, Any] = WindowedAggregate(Tumbling(10), Sum())
    back.restore(windows.to_bytes())
    sink = SqlSink(database())
    for _ in range(2):
        sink.put(back.advance(99) or windows.advance(99))
    assert sink.results() == {(key, 0, 10): number for number, key in enumerate(KEYS)}


@pytest.mark.parametrize("key", [None, 1.5, True, b"a", ["a"], ("a", None), ("a", 1.5), frozenset("a"), np.float64(1)])
def test_a_key_that_would_not_come_back_is_refused(key: Any) -> None:
    windows: WindowedAggregate[Any, Any] = WindowedAggregate(Tumbling(10), Sum())
    with pytest.raises(ValueError, match="A key is text"):
        windows.add(key, 5, 1)
    assert len(windows) == 0


@pytest.mark.parametrize("time", [1.5, "5", None, 2**61, -(2**61), 2**70])
def test_a_time_that_is_none_is_refused(time: Any) -> None:
    windows: WindowedAggregate[Any, Any] = WindowedAggregate(Session(10), Sum())
    with pytest.raises(ValueError, match="timestamp_ms is"):
        windows.add("a", time, 1)
    assert len(windows) == 0


def test_numbers_of_numpy_are_counted_and_stored_as_plain_ones() -> None:
    windows: WindowedAggregate[Any, Any] = WindowedAggregate(Tumbling(10), Stats())
    for value in (np.int8(100), np.int8(100), np.float32(0.5)):
        windows.add("a", np.int64(5), value)
    windows.to_bytes()
    assert windows.advance(np.int64(9))[0].value == [3, 200.5, 0.5, 100]


@pytest.mark.parametrize("state", [(1, 2), {1: 2}, {1, 2}, object()])
def test_a_state_that_json_would_change_is_refused_when_it_is_stored(state: Any) -> None:
    windows: WindowedAggregate[Any, Any] = WindowedAggregate(
        Tumbling(10), Fold(lambda: None, lambda _, value: value, lambda one, other: one)
    )
    windows.add("a", 5, float("nan"))
    windows.to_bytes()
    windows.add("b", 5, state)
    with pytest.raises(ValueError, match="JSON"):
        windows.to_bytes()


def test_an_event_whose_value_cannot_be_added_leaves_no_pane() -> None:
    windows: WindowedAggregate[Any, Any] = WindowedAggregate(Tumbling(10), Sum())
    with pytest.raises(TypeError):
        windows.add("a", 5, "text")
    assert (len(windows), windows.advance(99)) == (0, [])


@pytest.mark.parametrize("values", [[1.0, math.nan, 2.0], [math.nan, 1.0, 2.0], [2.0, 1.0, math.nan]])
def test_nan_makes_the_same_of_a_window_in_any_order(values: list[float]) -> None:
    batch = BatchTumbling(10)
    batch.add([1, 1, 1], [1, 2, 3], values)
    found = batch.finish()
    assert [math.isnan(column[0]) for column in (found.sum, found.least, found.greatest)] == [True] * 3
    plain: WindowedAggregate[Any, Any] = WindowedAggregate(Tumbling(10), Stats())
    for value in values:
        plain.add(1, 1, value)
    assert [math.isnan(one) for one in plain.advance(99)[0].value] == [False, True, True, True]


@pytest.mark.parametrize(
    ("keys", "times", "values"),
    [
        (np.array([2**63 + 1, 1], np.uint64), [1, 2], [1.0, 2.0]),
        (pa.array([1, None]), [1, 2], [1.0, 2.0]),
        ([1, 2], pa.array([1, None]), [1.0, 2.0]),
        ([1, 2], [1, 2], pa.array([1.0, None])),
        ([1, 2], [1, 2], np.ma.masked_array([1.0, 2.0], [0, 1])),
        (np.ma.masked_array([1, 2], [0, 1]), [1, 2], [1.0, 2.0]),
        ([1, 2], [1, 2], ["1", "2"]),
        ([1, 2], [1, 2], [1j, 2]),
        ([1, 2], [1, 2**62], [1.0, 2.0]),
        ([1, 2], [1, 2], [1.0, 2.0, 3.0]),
        ([1.0, 2.0], [1, 2], [1.0, 2.0]),
    ],
)
def test_what_is_no_number_is_refused_before_anything_is_counted(keys: Any, times: Any, values: Any) -> None:
    batch = BatchTumbling(10)
    with pytest.raises(ValueError, match=r"\.$"):
        batch.add(keys, times, values)
    assert len(batch.finish()) == 0


def test_a_count_needs_no_values() -> None:
    windows: WindowedAggregate[Any, Any] = WindowedAggregate(Tumbling(10), Count())
    windows.add("a", -5, None)
    assert windows.advance(0)[0].window == (-10, 0)
