"""The commands of a learner as a terminal and a teacher's CI see them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import psutil
import pytest

from helpers.commands import call
from windtunnel.lab.progress import Done, read

ENDLESS = """
    async def buy(self, buyer, pays_after_s):
        while True:
            pass
"""
QUIT = """
    async def buy(self, buyer, pays_after_s):
        return None
"""
HEAD = """
from windtunnel.catalogue.interview.q10_ticketmaster import Shop

challenge = "q10-ticketmaster"


class Yours(Shop):
"""
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the program in an empty folder, with progress of its own."""
    started: list[subprocess.Popen[str]] = []

    def call(*arguments: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [sys.executable, "-u", "-m", "windtunnel", *arguments],
                cwd=tmp_path,
                env={**os.environ, "WINDTUNNEL_PROGRESS": str(tmp_path / "progress.json")},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        return started[-1]

    yield call
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """The same in this process, where how a process starts and ends is not asked: designs get theirs anyway."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WINDTUNNEL_PROGRESS", str(tmp_path / "progress.json"))

    return partial(call, capsys)


def until(stream: IO[str] | None, text: str) -> str:
    """Read lines up to one that has the text."""
    assert stream is not None
    for line in stream:
        if text in line:
            return line
    raise AssertionError(f"it ended without {text!r}")


def test_a_stub_is_graded_with_par_a_case_and_one_hint_after_the_other(run: Any, tmp_path: Path) -> None:
    status, out, _ = run("new", "q10-ticketmaster", "--json")
    assert (status, json.loads(out)) == (0, {"file": "q10_ticketmaster.py", "experiment": "q10-ticketmaster"})
    grade = ("grade", "q10_ticketmaster.py", "--seeds", "1", "--hint")
    status, out, err = run(*grade, "--svg", "case.svg")
    assert (status, err) == (1, "")
    assert "hold_then_pay" in out
    assert "The smallest case that still fails: 2 requests, 0 faults" in out
    assert "Hint 1 of " in out
    assert (tmp_path / "case.svg").read_text().startswith("<svg")
    status, out, _ = run(*grade, "--json")
    found = json.loads(out)
    assert (status, found["passed"], found["hint_number"]) == (1, False, 2)
    assert found["case"]["sentence"].startswith("yours.sold_twice == 0 fails")
    status, out, _ = run("progress", "--json")
    assert json.loads(out)["q10-ticketmaster"] == {"runs": 0, "grades": 2, "passed": False, "hints": 2}


def test_a_history_is_judged_with_its_witness_as_plain_data(run: Any, tmp_path: Path) -> None:
    lines = [{"client": "a", "name": "write", "args": [1], "start": 0, "end": 1}]
    lines.append({"client": "b", "name": "read", "start": 2, "end": 3, "value": 2})
    (tmp_path / "h.jsonl").write_text("\n".join(map(json.dumps, lines)))
    status, out, _ = run("check", "h.jsonl", "--model", "register", "--json")
    found = json.loads(out)
    assert (status, found["status"], found["findings"][0]["name"]) == (1, "invalid", "unwritten value")
    assert {**lines[1], "outcome": "ok"}.items() <= found["witness"][0].items()
    assert found["witness"] == found["findings"][0]["witness"]


def test_a_right_design_passes_with_status_0(run: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from windtunnel.catalogue.scale.up_or_out import OneMachine\n"
        'challenge = "up-or-out"\n\n\nclass Yours(OneMachine):\n    pass\n'
    )
    assert run("grade", "mine.py", "--seeds", "1")[0] == 0
    assert read(tmp_path / "progress.json") == {"up-or-out": Done(grades=1, passed=True)}


def test_hints_are_given_where_the_design_did_not_live(run: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(f"{HEAD}    def __init__(self, stage, params):\n        import os; os._exit(3)\n")
    status, out, _ = run("grade", "mine.py", "--hint")
    assert status == 1
    assert out.startswith("The design ended its own process (status 3)")
    assert "Hint 1 of " in out


def test_a_damaged_progress_file_is_told_before_the_work(run: Any, tmp_path: Path) -> None:
    (tmp_path / "progress.json").write_text("{broken")
    (tmp_path / "mine.py").write_text(HEAD + ENDLESS)
    status, _, err = run("grade", "mine.py")
    assert status == 2
    assert "is no progress file" in err


def test_ctrl_c_in_the_middle_of_grading_leaves_nothing_behind(start: Start, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(f"{HEAD}    print('at work', flush=True)\n{ENDLESS}".replace("print", PIPE))
    os.mkfifo(tmp_path / "pipe")
    process = start("grade", "mine.py")
    with (tmp_path / "pipe").open() as pipe:
        assert pipe.read() == "at work"
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) == 1
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.strip()) == (130, "Stopped.")
    assert psutil.wait_procs(children, timeout=30)[1] == []
    assert not (tmp_path / "progress.json").exists()


PIPE = "(lambda text, flush: open('pipe', 'w').write(text))"


def test_grading_dies_with_a_starter_that_is_killed(start: Start, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(f"{HEAD}    print('at work', flush=True)\n{ENDLESS}".replace("print", PIPE))
    os.mkfifo(tmp_path / "pipe")
    process = start("grade", "mine.py")
    with (tmp_path / "pipe").open() as pipe:
        assert pipe.read() == "at work"
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    assert psutil.wait_procs(children, timeout=30)[1] == []


def test_watch_judges_what_is_saved_also_while_it_judges(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(HEAD + QUIT)
    process = start("watch", "mine.py", "--seeds", "1")
    until(process.stdout, "Judging mine.py")
    until(process.stdout, "yours.sold > 0.9 * params.stock   0 > ")
    until(process.stdout, "first hidden seed")
    file.write_text(HEAD + ENDLESS)
    os.utime(file, ns=(1, 1))
    file.write_text("class Yours(:")  # while the endless loop is judged, or before: either way this is what counts
    os.utime(file, ns=(2, 2))
    until(process.stdout, "cannot be read: invalid syntax in line 1")
    file.unlink()
    until(process.stdout, "mine.py is gone; it is judged again once it is back.")
    file.write_text(HEAD + QUIT)
    until(process.stdout, "yours.sold > 0.9 * params.stock   0 > ")
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.strip()) == (130, "Stopped.")


def test_the_progress_of_two_machines_is_merged(run: Any, tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"q10": {"grades": 3, "passed": true}}')
    (tmp_path / "progress.json").write_text('{"q10": {"grades": 1, "hints": 2}}')
    status, out, _ = run("progress", "--merge", "other.json")
    assert (status, "graded 3 times, 2 hints" in out) == (0, True)
    assert read(tmp_path / "progress.json") == {"q10": Done(grades=3, passed=True, hints=2)}
    (tmp_path / "bad.json").write_text('{"q10": {"grades": "many"}}')
    status, _, err = run("progress", "--merge", "bad.json")
    assert (status, "bad.json is no progress file" in err) == (2, True)
