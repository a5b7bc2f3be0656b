"""Event-time windows against DuckDB, against their definition, over checkpoints and over crashes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from operator import itemgetter
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from helpers.in_memory import database
from helpers.torn_disk import Crashed, TornDisk
from windtunnel.blocks.durability.log import Log, Record
from windtunnel.blocks.streams.windows import (
    Count,
    Fold,
    Mean,
    Result,
    Session,
    Sliding,
    Stats,
    Sum,
    Tumbling,
    Window,
    WindowedAggregate,
    Windows,
)
from windtunnel.blocks.streams.windows_batch import BatchTumbling, Results
from windtunnel.blocks.streams.windows_job import Deduplicator, Event, SqlSink, StreamJob
from windtunnel.blocks.streams.windows_watermark import BoundedDisorder, SlowestSource

events = st.lists(st.tuples(st.sampled_from("ab"), st.integers(-50, 250), st.integers(0, 9)), max_size=60)
KINDS: dict[str, Windows] = {"tumbling": Tumbling(20, 3), "sliding": Sliding(30, 10, 3), "session": Session(15)}
END = 10**9


def final(results: Iterable[Result]) -> dict[tuple[Any, Window], Any]:
    """What holds after all results: the latest revision of each window, without the sessions that were replaced."""
    now: dict[tuple[Any, Window], tuple[int, Any]] = {}
    for key, window, value, revision, replaces in results:
        assert revision == now.get((key, window), (-1, None))[0] + 1, "revisions come one by one"
        now[key, window] = revision, value
        for old in replaces:
            del now[key, old]
    return {place: value for place, (_, value) in now.items()}


def stream(windows: WindowedAggregate[Any, Any], plan: list[tuple[str, int, int]], delay_ms: int) -> list[Result]:
    watermark, results = BoundedDisorder(delay_ms), []
    for key, time, value in plan:
        results += windows.add(key, time, value)
        results += windows.advance(watermark.observe(time))
    return results + windows.advance(END)


# Against DuckDB

SQL = {
    "tumbling": """
        SELECT key, time - (((time - 3) % 20) + 20) % 20 AS s, s + 20, sum(value)::BIGINT FROM events GROUP BY key, s
    """,
    "sliding": """
        SELECT key, s, s + 30, sum(value)::BIGINT FROM events, range(-197, 403, 10) AS starts(s)
        WHERE time >= s AND time < s + 30 GROUP BY key, s
    """,
    "session": """
        WITH gaps AS (
            SELECT *, coalesce(time - lag(time) OVER w > 15, true)::INT AS first FROM events
            WINDOW w AS (PARTITION BY key ORDER BY time)
        ), numbered AS (
            SELECT *, sum(first) OVER (PARTITION BY key ORDER BY time, first DESC ROWS UNBOUNDED PRECEDING) AS n
            FROM gaps
        )
        SELECT key, min(time), max(time) + 15, sum(value)::BIGINT FROM numbered GROUP BY key, n
    """,
}


@pytest.fixture(scope="module")
def duck() -> Any:
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        connection.execute("CREATE TABLE events (key VARCHAR, time BIGINT, value BIGINT)")
        yield connection


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(12))
def test_windows_hold_what_duckdb_finds_in_the_whole_table(duck: Any, kind: str, seed: int) -> None:
    """Whatever the order of the events, if none is late."""
    random = Random(seed)
    plan = [
        (random.choice("abc"), random.randrange(-50, 250), random.randrange(10))
        for _ in range(random.choice((1, 30, 120)))
    ]
    duck.execute("DELETE FROM events")
    duck.executemany("INSERT INTO events VALUES (?, ?, ?)", plan)
    expected = {(key, Window(start, end)): total for key, start, end, total in duck.execute(SQL[kind]).fetchall()}
    delay_ms = random.choice((0, 20, 1000))
    windows = WindowedAggregate(KINDS[kind], Sum(), allowed_lateness_ms=10**6)
    assert final(stream(windows, plan, delay_ms)) == expected
    assert windows.late == 0


# Against their definition


@pytest.mark.parametrize("kind", ["tumbling", "sliding"])
@given(plan=events, delay_ms=st.sampled_from([0, 10, 60]), lateness_ms=st.sampled_from([0, 15, 100]))
def test_what_is_late_and_what_is_not_follows_from_the_watermark(
    kind: str, plan: list[tuple[str, int, int]], delay_ms: int, lateness_ms: int
) -> None:
    seen: list[tuple[Any, int, Any]] = []
    windows = WindowedAggregate(
        KINDS[kind], Sum(), allowed_lateness_ms=lateness_ms, on_late=lambda *event: seen.append(event)
    )
    results = stream(windows, plan, delay_ms)
    totals: dict[tuple[str, Window], int] = defaultdict(int)
    late, watermark = [], -(10**9)
    for key, time, value in plan:
        mine = [w for w in KINDS[kind].assign(time) if w.end_ms - 1 + lateness_ms > watermark]
        for window in mine:
            totals[key, window] += value
        if not mine:
            late.append((key, time, value))
        watermark = max(watermark, time - delay_ms - 1)
    assert final(results) == totals
    assert seen == late
    assert windows.late == len(late)
    assert len(windows) == 0, "what is over is forgotten"


@given(plan=events, delay_ms=st.sampled_from([0, 10, 60]), lateness_ms=st.sampled_from([0, 15, 1000]))
def test_sessions_are_those_of_the_events_that_were_not_late(
    plan: list[tuple[str, int, int]], delay_ms: int, lateness_ms: int
) -> None:
    late: list[tuple[Any, int, Any]] = []
    windows = WindowedAggregate(
        Session(15), Stats(), allowed_lateness_ms=lateness_ms, on_late=lambda *event: late.append(event)
    )
    got = final(stream(windows, plan, delay_ms))
    kept = list(plan)
    for event in late:
        kept.remove(event)
    expected: dict[tuple[str, Window], list[int]] = {}
    for key in "ab":
        times = sorted((time, value) for k, time, value in kept if k == key)
        spells: list[list[tuple[int, int]]] = []
        for time, value in times:
            if spells and time - spells[-1][-1][0] <= 15:
                spells[-1].append((time, value))
            else:
                spells.append([(time, value)])
        for spell in spells:
            of = [value for _, value in spell]
            expected[key, Window(spell[0][0], spell[-1][0] + 15)] = [len(of), sum(of), min(of), max(of)]
    if lateness_ms == 1000:  # nothing is forgotten before it could have grown together
        assert got == expected
    else:  # a session that was forgotten may have a neighbour that would have touched it
        assert sum(value[0] for value in got.values()) == len(kept)
        assert sum(value[1] for value in got.values()) == sum(value for _, _, value in kept)
    assert len(windows) == 0
    assert windows._sessions == {}


@given(plan=events, lateness_ms=st.sampled_from([0, 30]), kind=st.sampled_from(sorted(KINDS)), cut=st.integers(0, 60))
def test_a_restored_state_goes_on_as_if_nothing_had_happened(
    plan: list[tuple[str, int, int]], lateness_ms: int, kind: str, cut: int
) -> None:
    def fresh() -> WindowedAggregate[Any, Any]:
        return WindowedAggregate(KINDS[kind], Mean(), allowed_lateness_ms=lateness_ms)

    through, first, second = fresh(), fresh(), fresh()
    watermark, expected, got = BoundedDisorder(10), [], []
    for number, (key, time, value) in enumerate(plan):
        if number == cut:
            second.restore(first.to_bytes())
        broken = first if number < cut else second
        expected += through.add(key, time, value)
        got += broken.add(key, time, value)
        mark = watermark.observe(time)
        expected += through.advance(mark)
        got += broken.advance(mark)
    assert got == expected


def test_a_damaged_state_is_refused() -> None:
    for windows in (WindowedAggregate(Tumbling(10), Count()), BatchTumbling(10)):
        data = bytearray(windows.to_bytes())
        data[-1] ^= 1
        with pytest.raises(ValueError, match="damaged"):
            windows.restore(bytes(data))


def test_sessions_that_had_fired_and_grow_together_are_replaced() -> None:
    windows = WindowedAggregate(Session(10), Count(), allowed_lateness_ms=100)
    windows.add("a", 0, None)
    windows.add("a", 15, None)
    fired = windows.advance(30)
    assert [result.window for result in fired] == [(0, 10), (15, 25)]
    assert windows.add("a", 8, None) == [Result("a", Window(0, 25), 3, 0, (Window(0, 10), Window(15, 25)))]
    assert windows.add("a", 9, None) == [Result("a", Window(0, 25), 4, 1, ())]


def test_an_event_at_the_edge_belongs_to_the_next_window() -> None:
    assert Tumbling(10).assign(9) == (Window(0, 10),)
    assert Tumbling(10).assign(10) == (Window(10, 20),)
    assert Tumbling(10).assign(-1) == (Window(-10, 0),)
    assert Sliding(10, 5).assign(10) == [Window(5, 15), Window(10, 20)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Tumbling(0),
        lambda: Sliding(5, 6),
        lambda: Session(0),
        lambda: WindowedAggregate(Tumbling(1), Count(), allowed_lateness_ms=-1),
        lambda: BoundedDisorder(-1),
        lambda: BatchTumbling(0),
        lambda: Deduplicator(0),
        lambda: SlowestSource([]),
    ],
)
def test_bad_settings_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="must"):
        make()


# Watermarks


def test_a_fold_says_what_it_is_made_of_also_where_that_is_no_function() -> None:
    assert repr(Fold(list, max, max, itemgetter(0))) == "<Fold: add 'max', result operator.itemgetter(0)>"


def test_the_slowest_source_decides_unless_it_has_fallen_silent() -> None:
    sources = SlowestSource(["a", "b"], idle_s=60)
    assert sources.observe("a", 100, now_s=1) < 0, "b has not begun"
    assert sources.observe("b", 50, now_s=2) == 50
    assert sources.observe("a", 200, now_s=50) == 50
    assert sources.tick(61.9) == 50
    assert sources.tick(62.0) == 200, "b is idle"
    assert sources.observe("b", 150, now_s=63) == 200, "no way back"
    assert sources.observe("b", 260, now_s=64) == 200
    with pytest.raises(KeyError):
        sources.observe("c", 1)


# Batches


def rows(results: Results) -> list[tuple[Any, ...]]:
    columns = (results.keys, results.start_ms, results.count, results.sum, results.least, results.greatest)
    return list(zip(*(column.tolist() for column in columns), strict=True))


@given(
    batches=st.lists(
        st.lists(st.tuples(st.integers(-2, 2), st.integers(-50, 250), st.integers(-9, 9)), max_size=40), max_size=5
    ),
    delay_ms=st.sampled_from([0, 10, 60]),
    lateness_ms=st.sampled_from([0, 15, 100]),
)
@settings(max_examples=60)
def test_batches_come_to_the_results_of_single_events(
    batches: list[list[tuple[int, int, int]]], delay_ms: int, lateness_ms: int
) -> None:
    ours = BatchTumbling(20, delay_ms=delay_ms, allowed_lateness_ms=lateness_ms, offset_ms=3)
    reference = WindowedAggregate(Tumbling(20, 3), Stats(), allowed_lateness_ms=lateness_ms)
    watermark = BoundedDisorder(delay_ms)
    got: dict[tuple[int, int], list[float]] = {}
    expected: dict[tuple[Any, Window], Any] = {}
    for number, batch in enumerate(batches):
        late_before, late = reference.late, []
        results = []
        for key, time, value in batch:
            results += reference.add(key, time, value)
            late.append(reference.late > late_before)
            late_before = reference.late
            results += reference.advance(watermark.observe(time))
        expected.update({result[:2]: result.value for result in results})
        columns = [[event[column] for event in batch] for column in range(3)]
        for key, start, *stats in rows(
            ours.add(np.array(columns[0], np.int64), np.array(columns[1], np.int64), columns[2])
        ):
            got[key, start] = stats
        assert ours.last_late.tolist() == late
        if number == 2:
            restored = BatchTumbling(20, delay_ms=delay_ms, allowed_lateness_ms=lateness_ms, offset_ms=3)
            restored.restore(ours.to_bytes())
            ours = restored
        assert got == {(key, window.start_ms): value for (key, window), value in expected.items()}
    expected.update({result[:2]: result.value for result in reference.advance(END)})
    got.update({(key, start): stats for key, start, *stats in rows(ours.finish())})
    assert got == {(key, window.start_ms): value for (key, window), value in expected.items()}
    assert ours.late == reference.late


def test_many_keys_make_the_table_grow(duck: Any) -> None:
    random = np.random.default_rng(1)
    keys, times = random.integers(0, 5000, 50_000), random.integers(0, 100_000, 50_000)
    values = random.integers(-100, 100, 50_000)
    windows = BatchTumbling(10_000, delay_ms=100_000)
    found = rows(windows.add(keys, times, values)) + rows(windows.finish())
    expected = duck.execute(
        "SELECT k, t // 10000 * 10000 AS s, count(*), sum(v)::DOUBLE, min(v)::DOUBLE, max(v)::DOUBLE "
        "FROM (SELECT unnest(?) AS k, unnest(?) AS t, unnest(?) AS v) GROUP BY k, s ORDER BY s, k",
        [keys.tolist(), times.tolist(), values.tolist()],
    ).fetchall()
    assert sorted(found, key=lambda row: (row[1], row[0])) == expected


def test_batches_must_have_integer_keys_of_the_same_number() -> None:
    with pytest.raises(ValueError, match="integers"):
        BatchTumbling(10).add([1.5], [1], [1])
    with pytest.raises(ValueError, match="2 keys and 1 times"):
        BatchTumbling(10).add([1, 2], [1], [1])


# The job


def clicks(seed: int, count: int) -> list[bytes]:
    """Clicks whose times are out of order by up to 100 ms, some much later, and one in ten sent twice."""
    random, sent = Random(seed), []
    for number in range(count):
        time = number * 10 + random.randrange(100) - (3000 if random.random() < 0.02 else 0)
        line = b"%d,%s,%d,%d" % (number, random.choice([b"x", b"y"]), time, random.randrange(5))
        sent += [line] * (2 if random.random() < 0.1 else 1)
    return sent


def parse(record: Record) -> Event:
    assert record.value is not None
    event_id, key, time, value = record.value.decode().split(",")
    return Event(key, int(time), int(value), event_id)


def job(disk: TornDisk, log: Log, sink: Any, kind: str = "tumbling") -> StreamJob:
    windows = WindowedAggregate({**KINDS, "tumbling": Tumbling(250)}[kind], Sum(), allowed_lateness_ms=200)
    return StreamJob(
        disk, "job", log, parse, windows, BoundedDisorder(100), sink,
        deduplicator=Deduplicator(1000), checkpoint_every=25,
    )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_click_counts_once_at_every_crash(kind: str) -> None:
    lines = clicks(4, 300)

    def run(crash_at: int | None, random: Random) -> tuple[dict[Any, Any], int]:
        sink = SqlSink(database())  # the outside, which does not crash with us
        disk = TornDisk()
        log = Log(disk, "log")
        log.append_many(lines)
        log.sync()
        start = disk.operations
        disk.crash_at = None if crash_at is None else start + crash_at
        for _ in range(50):
            try:
                stream_job = job(disk, Log(disk, "log"), sink, kind)
                stream_job.run(finish=True)
                break
            except Crashed:
                disk = disk.restarted(random)
                disk.crash_at = random.randrange(20, 80)
        found = sink.results()
        return found, disk.operations - start

    expected, operations = run(None, Random(0))
    assert len(expected) > 20
    assert operations > 60
    for crash_at in range(1, operations + 1, 2):
        assert run(crash_at, Random(crash_at))[0] == expected


def test_the_bill_of_a_job_is_that_of_an_offline_count() -> None:
    lines = clicks(5, 2000)
    disk = TornDisk()
    log = Log(disk, "log")
    sink = SqlSink(database())
    windows = WindowedAggregate(Tumbling(250), Sum(), allowed_lateness_ms=200)
    ids = Deduplicator(1000)
    stream_job = StreamJob(disk, "job", log, parse, windows, BoundedDisorder(100), sink, deduplicator=ids)
    for start in range(0, len(lines), 300):
        log.append_many(lines[start : start + 300])
        stream_job.run()
        log.trim(stream_job.offset)
    stream_job.run(finish=True)
    assert windows.late > 10
    assert ids.repeated > 100
    bill: dict[tuple[str, int, int], int] = defaultdict(int)
    late = 0
    watermark, seen = -(10**9), set()
    for line in lines:
        event = parse(Record(0, 0, None, line))
        if event.id not in seen:
            seen.add(event.id)
            start = event.timestamp_ms // 250 * 250
            if start + 250 - 1 + 200 > watermark:
                bill[str(event.key), start, start + 250] += event.value
            else:
                late += 1
        watermark = max(watermark, event.timestamp_ms - 100 - 1)
    assert sink.results() == bill
    assert windows.late == late


def test_ids_are_forgotten_when_they_can_only_be_late() -> None:
    ids = Deduplicator(100, buckets=4)
    assert ids.first_time("a", 0)
    assert ids.first_time("b", 99)
    ids.forget(199)
    assert not ids.first_time("b", 99)
    assert ids.first_time("a", 0), "its bucket is gone"
    assert ids.repeated == 1


def test_a_damaged_checkpoint_is_refused() -> None:
    disk = TornDisk()
    log = Log(disk, "log")
    sink = SqlSink(database())
    job(disk, log, sink).run()
    file = disk.open("job/checkpoint")
    file.write_at(20, b"?")
    with pytest.raises(ValueError, match="no checkpoint"):
        job(disk, log, sink)
