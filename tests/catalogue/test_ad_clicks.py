"""What q11-ad-clicks counts: its places by hand, its bill by DuckDB and by the block's own job; on SQLite too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from helpers.in_memory import database
from windtunnel import Event, History
from windtunnel.blocks.durability.log import Log, Record
from windtunnel.blocks.ground.files import DiskFiles
from windtunnel.blocks.streams import (
    BoundedDisorder,
    Deduplicator,
    SqlSink,
    StreamJob,
    Sum,
    Tumbling,
    WindowedAggregate,
    windows_job as job,
)
from windtunnel.catalogue.interview.q11_ad_clicks.claims import AGAIN, CLICKS, NEW, TURNS, TWICE
from windtunnel.catalogue.interview.q11_ad_clicks.clicks import SMALL_TURN, Stream, pack, small, start_of, unpack
from windtunnel.catalogue.interview.q11_ad_clicks.judging import came, stream_of
from windtunnel.lab.discovery import find
from windtunnel.lab.grading.loaded import joined
from windtunnel.lab.run import run
from windtunnel.ui.planted import planted_files

CALM = {"places": 0, "stands": 0, "clicks": 0, "rush": 0}
RIGHT = ["insert_each", "one_transaction", "corrected"]
P: Any = SimpleNamespace(window_s=60.0, delay_s=30.0, lateness_s=120.0, doubled=0.1, late=0.1)


def measured(design: str, stage: str | None = None, seed: int = 0, **given: object) -> Mapping[str, float]:
    found = run(find("q11-ad-clicks"), stage, designs=[design], seeds=[seed], jobs=1, **{**CALM, **given})  # type: ignore[arg-type]
    return found.of(design)[0].measures


def is_right(design: str, tried: int, stage: str | None = None, seed: int = 0, **given: object) -> None:
    found = measured(design, stage, seed, **given)
    assert found["tried"] >= tried
    assert (found["wrong"], found["over"], found["short"], found["unheard"]) == (0, 0, 0, 0)


# --- by hand ---------------------------------------------------------------------------------------------------------
def test_a_small_stream_has_all_that_may_be_wrong_with_clicks() -> None:
    clicks = small(1, P)
    assert len(clicks) == CLICKS
    s = Stream(1, "plain", "", (), SMALL_TURN, clicks)
    again = [again for _, again, _ in came(s, P)]
    past_s = [past_ms / 1000 for _, _, past_ms in came(s, P)]
    assert again == [False, False, True, False, False, False, False, False, False, True]
    assert all(one < 0 for one in past_s[:6])  # in time, one of them out of order
    assert clicks[4].at_ms < clicks[3].at_ms
    assert 0 <= past_s[6] < P.lateness_s
    assert past_s[7] < 0
    assert all(one >= P.lateness_s for one in past_s[8:])
    assert len({(click.ad, start_of(click.at_ms, P)) for click in clicks}) == NEW


def test_a_counter_counts_again_where_it_has_counted_and_has_not_said_so() -> None:
    known: set[tuple[int, int]] = set()
    acts = []
    for click in small(1, P):
        key = click.ad, start_of(click.at_ms, P)
        acts += ["update", "told"] if key in known else ["update", "insert", "told"]
        known.add(key)
    judged_tells = acts.count("told") - 1  # the last click is not judged
    assert judged_tells / len(acts) == TWICE


def test_a_batch_is_counted_again_where_it_is_not_noted_or_where_ids_are_lost() -> None:
    clicks = small(1, P)
    turns = [clicks[i : i + SMALL_TURN] for i in range(0, len(clicks), SMALL_TURN)]
    assert len(turns) == TURNS
    changed = places = 0
    for dies_in in range(len(turns)):
        for before in ("commit", "note"):
            billed: list[str] = []
            known: set[str] = set()
            for number, turn in enumerate(turns):
                lives = [before, ""] if number == dies_in else [""]
                for life in lives:
                    new = [*dict.fromkeys(one.id for one in turn if one.id not in known)]
                    if life != "commit":
                        billed += new
                        known |= set(new)
                    if life:
                        known = set()
            counted = Counter(billed)
            places += 1
            changed += any(counted[one.id] != 1 for one in clicks[:-1])
    assert changed / (places + 2 * len(clicks)) == AGAIN


# --- by somebody else ------------------------------------------------------------------------------------------------
def long_stream(design: str, **given: object) -> tuple[Stream, list[tuple[int, int, int]]]:
    """The long stream of a run, and the bill of it."""
    kept: list[Event] = []

    def measure(history: History, p: Any) -> dict[str, float]:
        kept.extend(e for e in history.where(name="stream") if stream_of(e).kind == "long")
        return {}

    here = replace(find("q11-ad-clicks"), measure=measure, claims=(), charts=(), figures=(), asks=(), why=(), maps=())
    run(replace(here, board=None), designs=[design], seeds=[3], jobs=1, **{**CALM, **given})  # type: ignore[arg-type]
    (event,) = kept
    assert isinstance(event.value, Mapping)
    return stream_of(event), [tuple(row) for row in event.value["bill"]]


def test_the_bill_is_what_duckdb_finds_in_the_whole_table() -> None:
    duckdb = pytest.importorskip("duckdb")
    s, bill = long_stream("corrected", clicks=300, doubled=0.1, late=0.1, deaths=20)
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE click (id TEXT, ad INT, at_ms BIGINT, cents INT)")
        rows = ", ".join(f"('{click.id}', {click.ad}, {click.at_ms}, {click.cents})" for click in s.clicks)
        connection.execute(f"INSERT INTO click VALUES {rows}")
        whole = connection.execute(
            "SELECT ad, at_ms // 60000 * 60000 AS start_ms, sum(cents) FROM (SELECT DISTINCT * FROM click) "
            f"WHERE start_ms < {s.until_ms} GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    assert len(whole) > 20
    assert [tuple(map(int, row)) for row in whole] == bill


def read(record: Record) -> job.Event:
    assert record.value is not None
    click = unpack(record.value)
    return job.Event(click.ad, click.at_ms, click.cents, click.id)


def test_windows_say_what_the_job_of_the_block_says(tmp_path: Path) -> None:
    s, bill = long_stream("windows", clicks=200, doubled=0.1, late=0.1)
    with Log(DiskFiles(tmp_path), "log") as log:
        log.append_many([pack(click) for click in s.clicks])
        sink = SqlSink(database())
        windows: WindowedAggregate[float, float] = WindowedAggregate(Tumbling(60_000), Sum())
        ids = Deduplicator(60_000)
        files, delay = DiskFiles(tmp_path), BoundedDisorder(30_000)
        StreamJob(files, "job", log, read, windows, delay, sink, deduplicator=ids).run()
    there = sorted((key, start, value) for (key, start, _), value in sink.results().items() if start < s.until_ms)
    assert there == bill


# --- measured --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("design", RIGHT)
def test_the_right_designs_are_right_also_where_windows_wait_for_nobody(design: str) -> None:
    is_right(design, 6, drawn=4, clicks=60, deaths=8, delay_s=0.0, lateness_s=0.0, doubled=0.3, late=0.3)


@pytest.mark.parametrize(("design", "places"), [("update_counter", 6), ("corrected", 12)])
def test_sqlite_has_the_verdicts_of_the_model(design: str, places: int) -> None:
    there = measured(design, "sqlite", places=places)
    here = measured(design, "sim", places=places)
    same = ("killed", "moved", "wrong", "over", "short", "unheard")
    assert {name: there[name] for name in same} == {name: here[name] for name in same}


def test_who_reads_the_log_again_is_right_without_a_checkpoint() -> None:
    (file,) = (file for file in planted_files("q11-ad-clicks") if file.stem == "right_reads_the_log_again")
    given = {**CALM, "places": 12, "drawn": 4, "clicks": 100}
    found = run(joined(str(file)), "sim", designs=["yours"], seeds=[0], jobs=1, **given).of("yours")[0].measures  # type: ignore[arg-type]
    assert (found["wrong"], found["unheard"], found["bytes"]) == (0, 0, 0)
    assert found["killed"] == 12  # all of its places are asked of it as a planted design
    assert found["rows"] < 0.5


def test_who_counts_the_log_at_night_bills_rightly_and_shows_nothing_by_day() -> None:
    (file,) = (file for file in planted_files("q11-ad-clicks") if file.stem == "wrong_counts_at_night")
    given = {**CALM, "places": 8, "clicks": 100, "doubled": 0.1, "late": 0.1}
    found = run(joined(str(file)), "sim", designs=["yours"], seeds=[0], jobs=1, **given).of("yours")[0].measures  # type: ignore[arg-type]
    assert (found["killed"], found["wrong"], found["unheard"], found["bytes"]) == (8, 0, 0, 0)
    assert found["behind_of_100"] > 30


@pytest.mark.soak
@pytest.mark.parametrize("design", RIGHT)
@pytest.mark.parametrize("dies", ["process", "power"])
@pytest.mark.parametrize("waits_s", [0.0, 120.0])
def test_the_right_designs_are_right_in_a_thousand_streams_drawn_by_lot(design: str, dies: str, waits_s: float) -> None:
    for seed in range(1, 18):
        is_right(design, 61, seed=seed, drawn=60, dies=dies, lateness_s=waits_s, doubled=0.2, late=0.2)


@pytest.mark.soak
@pytest.mark.parametrize("design", RIGHT)
@pytest.mark.parametrize("dies", ["process", "power"])
def test_the_right_designs_are_right_in_long_streams_with_a_hundred_deaths(design: str, dies: str) -> None:
    for seed in range(1, 6):
        is_right(design, 2, seed=seed, clicks=2000, deaths=100, dies=dies)


@pytest.mark.soak
@pytest.mark.parametrize("dies", ["process", "power"])
def test_a_cache_that_writes_down_is_right_in_a_thousand_streams(dies: str) -> None:
    for seed in range(1, 18):
        is_right("cache_counters", 61, seed=seed, drawn=60, dies=dies, keeps=1)
