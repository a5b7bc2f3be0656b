"""Whatever a user's design or machine does, the command line answers in one sentence with its own exit status."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from helpers.commands import call

NAME = "up-or-out"
QUICK = ("--quick", "--seeds", "2", "--designs", "mine")


def design(tmp_path: Path, does: str, more: str = "") -> str:
    file = tmp_path / "mine.py"
    file.write_text(
        "import os, sys\n\n\nclass Mine:\n"
        "    def __init__(self, stage, params):\n        self.server = stage.server('s')\n\n"
        f"    def handle(self, work_s):\n        {does}\n{more}"
    )
    return str(file)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_design_that_leaves_the_program_is_broken(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, jobs: str
) -> None:
    mine = design(tmp_path, "sys.exit(0)")
    status, out, err = call(capsys, "run", NAME, *QUICK, "--jobs", jobs, "--with", mine)
    assert (status, out) == (2, "")
    assert err.startswith("Design mine is broken: ")
    assert "called sys.exit" in err
    assert err.endswith("at mine.py:9.\n")


def test_a_worker_that_dies_names_the_design(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    mine = design(tmp_path, "os._exit(7)")
    status, out, err = call(capsys, "run", NAME, *QUICK, "--jobs", "2", "--with", mine)
    assert (status, out) == (2, "")
    assert err.startswith("A worker process ended with status 7 in the middle of design mine, seed ")
    assert err.count("\n") == 1


def test_what_a_design_prints_stays_out_of_the_document(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    report = "\n    def report(self):\n        return {'utilisation': 0.5, 'mean_inside': 1.0}\n"
    mine = design(tmp_path, "print('hello'); return self.server.submit(work_s)", report)
    _, out, err = call(capsys, "run", NAME, *QUICK, "--jobs", "1", "--with", mine, "--json")
    assert json.loads(out)["designs"] == ["mine"]
    assert "hello\n" in err


def test_a_design_without_the_facts_that_are_measured_is_told_which(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    mine = design(tmp_path, "return 1")
    status, _, err = call(capsys, "run", NAME, *QUICK, "--jobs", "1", "--with", mine)
    assert (status, err) == (2, "Design mine has to report() its utilisation, which up-or-out measures.\n")


def test_a_report_that_is_no_table_is_told_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    mine = design(tmp_path, "return 1", "\n    def report(self):\n        return 5\n")
    status, _, err = call(capsys, "run", NAME, *QUICK, "--jobs", "1", "--with", mine)
    assert (status, err) == (2, "Design mine is broken: report returned int, not a dict.\n")


def test_an_exception_that_cannot_be_shown_is_still_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    mine = design(tmp_path, "raise Mute", "\n\nclass Mute(Exception):\n    def __str__(self):\n        raise self\n")
    status, out, err = call(capsys, "run", NAME, *QUICK, "--jobs", "1", "--with", mine)
    assert (status, out) == (2, "")
    assert err == "Design mine is broken: handle raised Mute: an exception that cannot say what it is at mine.py:9.\n"


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_histories_that_cannot_be_written_are_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, jobs: str
) -> None:
    (tmp_path / "coin_toss-0.jsonl").symlink_to("coin_toss-0.jsonl")  # it goes in a circle, found out in the worker
    asked = ("run", NAME, "--quick", "--seeds", "2", "--designs", "coin_toss", "--jobs", jobs, "--histories")
    status, out, err = call(capsys, *asked, str(tmp_path))
    assert (status, out) == (2, "")
    assert err == f"{tmp_path / 'coin_toss-0.jsonl'} cannot be written: {os.strerror(errno.ELOOP)}.\n"
    assert not [f for f in tmp_path.iterdir() if f.name.startswith(".")]


def test_a_file_in_the_place_of_the_folder_is_said_before_anything_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")
    status, out, err = call(capsys, "run", NAME, "--histories", str(tmp_path / "taken"))
    assert (status, out) == (2, "")
    assert err == f"{tmp_path / 'taken'} cannot be made a folder of histories: File exists.\n"


def test_want_of_memory_is_one_sentence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("windtunnel.lab.run.execute", greedy)
    status, out, err = call(capsys, "run", NAME, "--quick", "--jobs", "1", "--json")
    assert (status, json.loads(out)["status"]) == (2, 2)
    assert err == "There was not enough memory; ask for less, or for fewer --jobs.\n"


def test_a_fault_of_our_own_is_no_failed_claim(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(*_: object, **__: object) -> None:
        raise IndexError("a\nb")

    monkeypatch.setattr("windtunnel.lab.run.execute", faulty)
    status, out, err = call(capsys, "run", NAME, "--quick", "--jobs", "1", "--json")
    assert status == 70
    assert json.loads(out) == {"error": "Windtunnel itself is broken here: IndexError: a b", "status": 70}
    assert "Traceback" in err


@pytest.mark.skipif(os.name != "posix", reason="speaks of file modes")
def test_a_result_can_be_read_by_whoever_the_user_lets(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        call(capsys, "run", NAME, "--quick", "--seeds", "1", "--designs", "coin_toss", "--out", str(tmp_path / "r"))
    finally:
        os.umask(before)
    assert (tmp_path / "r").stat().st_mode & 0o777 == 0o644
