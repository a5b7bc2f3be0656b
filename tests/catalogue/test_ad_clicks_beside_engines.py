"""q11-ad-clicks beside Apache Flink and Spark: the same file of clicks, and the bill that DuckDB finds in all of it.

What each drops as late is told, not compared: when a watermark moves is each engine's own affair. Flink's moves with
each click here, as ours does, and there the clicks that are dropped are the same ones.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "ad_clicks"
COMMITTED = ROOT / "results" / "beside" / "q11-ad-clicks.json"


@pytest.fixture(scope="module")
def job() -> Iterator[dict[str, Any]]:
    """All names of its `__main__`."""
    before, path = set(sys.modules), [*sys.path]
    sys.path.insert(0, str(FOLDER))
    yield runpy.run_path(str(FOLDER))
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(FOLDER)):
            del sys.modules[name]


@pytest.fixture
def drawn(job: dict[str, Any], tmp_path: Path) -> Path:
    file: Path = job["draw"](1500, 0, tmp_path)
    return file


# --- the file, and what is made of it --------------------------------------------------------------------------------
def test_the_best_design_bills_what_duckdb_finds_in_the_file(job: dict[str, Any], drawn: Path) -> None:
    found, whole = job["outcome"]("ours", drawn, drawn, drawn.parent / "ours"), job["answer"](drawn)
    assert len(whole) == 30
    assert found.corrected == whole
    assert found.left_out == len(found.told["late_ids"]) > 5
    assert sum(whole.values()) - sum(found.streamed.values()) == job["off_cents"](found.streamed, whole) > 0


def test_pieces_are_the_file(job: dict[str, Any], drawn: Path, tmp_path: Path) -> None:
    pieces = sorted(job["cut"](drawn, tmp_path / "pieces").iterdir(), key=lambda one: one.stat().st_mtime)
    assert len(pieces) == 20
    assert "".join(piece.read_text("utf-8") for piece in pieces) == drawn.read_text("utf-8")


def windows(drawn: Path, left: int) -> tuple[list[list[Any]], list[list[Any]]]:
    """What a stream says of a file that leaves out its last so many clicks: its windows, and those clicks."""
    clicks = {line["id"]: line for line in map(json.loads, drawn.read_text("utf-8").splitlines())}
    *known, _ = clicks.values()
    by: dict[tuple[int, int], list[Any]] = {}
    for click in known[: len(known) - left]:
        one = by.setdefault((click["ad"], click["at_ms"] // 60_000 * 60_000), [0, []])
        one[0] += click["cents"]
        one[1].append(click["id"])
    late = [[click[name] for name in ("id", "ad", "at_ms", "cents")] for click in known[len(known) - left :]]
    return [[*key, cents, ids] for key, (cents, ids) in by.items()], late


def test_a_correction_adds_what_was_left_out_and_nothing_else(job: dict[str, Any], drawn: Path) -> None:
    billed, late = windows(drawn, 9)
    whole = job["answer"](drawn)
    said = {"engine": "", "windows": billed, "late": late}
    for found in (job["of_flink"](said), job["of_spark"](said | {"late": 9}, drawn)):
        assert found.streamed != whole
        assert found.corrected == whole
        assert found.left_out == 9


@pytest.mark.parametrize("off", [1, -1, 7])
def test_a_correction_mends_no_wrong_window(job: dict[str, Any], drawn: Path, off: int) -> None:
    billed, late = windows(drawn, 9)
    billed[3][2] += off
    said = {"engine": "", "windows": billed, "late": late}
    for found in (job["of_flink"](said), job["of_spark"](said | {"late": 9}, drawn)):
        assert job["off_cents"](found.corrected, job["answer"](drawn)) == abs(off)


def test_a_late_click_that_comes_twice_is_billed_twice_where_the_engine_should_have_known_it(
    job: dict[str, Any], drawn: Path
) -> None:
    billed, late = windows(drawn, 9)
    found = job["of_flink"]({"engine": "", "windows": billed, "late": [*late, late[0]]})
    assert job["off_cents"](found.corrected, job["answer"](drawn)) == late[0][3]


def test_a_window_that_is_billed_twice_is_refused(job: dict[str, Any], drawn: Path) -> None:
    billed, late = windows(drawn, 9)
    with pytest.raises(ValueError, match="billed twice"):
        job["of_flink"]({"engine": "", "windows": [*billed, billed[0]], "late": late})


# --- how to get them -------------------------------------------------------------------------------------------------
@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
@pytest.mark.parametrize("engine", ["flink", "spark"])
def test_set_up_without_java_says_how_to_get_it(engine: str) -> None:
    env = os.environ | {"JAVA_HOME": "/nowhere", "MAKEFLAGS": ""}
    asked = ["make", "--no-print-directory", f"PYTHON={sys.executable}", f"setup-{engine}"]
    done = subprocess.run(asked, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("Flink and Spark need Java 17 or newer, and there is none: get one by `apt-get")


def test_an_old_java_is_named(job: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.name != "posix":
        pytest.skip("a program that a script stands for is started by the first line of Unix")
    (tmp_path / "bin").mkdir()
    java = tmp_path / "bin" / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert 'here is openjdk version "11.0.2"' in sys.modules["machine"].java_missing()


# --- what is committed -----------------------------------------------------------------------------------------------
def test_what_is_committed_is_exact_and_is_what_the_page_says(job: dict[str, Any]) -> None:
    document = json.loads(COMMITTED.read_text("utf-8"))
    rows = document["rows"]
    assert [(one["engine"].split()[0], one["killed"]) for one in rows] == [
        ("Windtunnel", False),
        *((engine, killed) for engine in ("Flink", "Spark") for killed in (False, True)),
    ]
    assert all(one["corrected_off_cents"] == 0 < one["streamed_off_cents"] for one in rows)
    page = (ROOT / "docs" / "flink-and-spark.md").read_text("utf-8")
    assert [one["engine"] for one in rows if job["line"](one) not in page] == []
    assert f"{document['clicks']:,} clicks" in page


def dropped_by_spark(pieces: Path) -> tuple[int, int]:
    """Rows that come too late for Spark, and clicks of them that are in no window.

    A batch is held to the watermark that stood when the batch before it began, and a row to its own moment.
    """
    newest, dropped, taken = [0, 0], [], set()
    for piece in sorted(pieces.iterdir()):
        clicks = [json.loads(line) for line in piece.read_text("utf-8").splitlines()]
        for click in clicks:
            if click["at_ms"] <= newest[-2] - 30_000:
                dropped.append(click["id"])
            else:
                taken.add(click["id"])
        newest.append(max(newest[-1], *(click["at_ms"] for click in clicks)))
    return len(dropped), len({*dropped} - taken)


def test_spark_dropped_what_its_rule_says_in_what_is_committed(job: dict[str, Any], tmp_path: Path) -> None:
    document = json.loads(COMMITTED.read_text("utf-8"))
    (spark,) = (one for one in document["rows"] if one["name"] == "spark" and not one["killed"])
    file = job["draw"](document["clicks"], document["seed"], tmp_path)
    assert dropped_by_spark(job["cut"](file, tmp_path / "pieces")) == (spark["late"], spark["left_out"])


# --- measured --------------------------------------------------------------------------------------------------------
CLICKS = 20_000
FEW_CLICKS = 5_000
"""Where nobody is killed: too few for a kill to come in the middle of what Flink reads."""


@contextlib.contextmanager
def watched() -> Iterator[set[str]]:
    """The addresses at which processes that are started meanwhile wait for anybody.

    Of two looks: Flink tries for a moment whether a port is free.
    """
    found: set[str] = set()
    over = threading.Event()

    def look() -> None:
        before: set[tuple[str, int]] = set()
        while not over.wait(0.1):
            now = set()
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    now |= {(*one.laddr,) for one in process.net_connections("inet") if one.status == "LISTEN"}
            found.update(ip for ip, _ in now & before)
            before = now

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield found
    finally:
        over.set()
        watch.join()


@pytest.mark.live
@pytest.mark.parametrize("killed", [False, True], ids=["undisturbed", "killed"])
@pytest.mark.parametrize("engine", ["flink", "spark"])
def test_the_corrected_bill_is_the_batchs_to_the_cent(
    job: dict[str, Any], engine: str, killed: bool, tmp_path: Path
) -> None:
    if why := job["missing"](engine):
        pytest.skip(why)
    file = job["draw"](CLICKS if killed else FEW_CLICKS, 1, tmp_path)
    pieces, whole = job["cut"](file, tmp_path / "pieces"), job["answer"](file)
    with watched() as heard_at:
        found = job["outcome"](engine, file, pieces, tmp_path / engine, killed)
    assert heard_at
    assert heard_at <= {"127.0.0.1", "::1", "::ffff:127.0.0.1"}
    assert psutil.Process().children(recursive=True) == []
    assert found.corrected == whole
    short = {key: cents - found.streamed.get(key, 0) for key, cents in whole.items()}
    assert min(short.values()) >= 0
    assert sum(map(bool, short.values())) > 5, "late clicks are in many windows, and the stream bills them in none"
    clicks = file.read_text("utf-8").splitlines()
    ids = {json.loads(line)["id"] for line in clicks}
    if engine == "flink":
        assert sum(one[3] for one in found.told["windows"]) + found.late == len(ids)
        ours = job["outcome"]("ours", file, pieces, tmp_path / "ours")
        assert sorted(one[0] for one in found.told["late"]) == ours.told["late_ids"]
        assert found.streamed == ours.streamed
        assert bool(found.told["restored"]) == killed, "it goes on where a checkpoint stands"
    elif killed:
        assert found.told["batches"][0] > 5, "it goes on where its checkpoint stands"
    else:
        assert (found.late, found.left_out) == dropped_by_spark(pieces)
        billed = sum(len(one[3]) for one in found.told["windows"])
        in_no_window_yet = 1  # the last
        assert billed + found.late + found.told["doubled"] + in_no_window_yet == found.told["rows"] == len(clicks)
