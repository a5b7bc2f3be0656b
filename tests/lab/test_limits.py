"""Whatever a learner's code does, we come back with a sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from windtunnel.lab.grading.limits import Ended, Limits, limited

HEAD = 'challenge = "q10-ticketmaster"\n\n\nclass Yours:\n    def __init__(self, stage, params):\n'
BUY = "\n    async def buy(self, buyer, pays_after_s):\n        return None\n"


def graded(tmp_path: Path, body: str, **limits: float) -> Ended:
    file = tmp_path / "mine.py"
    file.write_text(HEAD + body + BUY)
    return limited({"file": str(file), "seeds": 1}, Limits(**limits))  # type: ignore[arg-type]


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on CPU there")
def test_an_endless_loop_is_stopped(tmp_path: Path) -> None:
    ended = graded(tmp_path, "        while True:\n            pass\n", cpu_s=1.0)
    assert "endless loop" in ended.sentence


SPENDS = """
import sys, time
from windtunnel.lab.grading.confined import allow, limit
limit(1.0, 2 << 30)
for _ in range(4):
    if "allow" in sys.argv:
        allow(1.0)
    end = time.process_time() + 0.5
    while time.process_time() < end:
        pass
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on CPU there")
@pytest.mark.parametrize("asked", ["allow", "once"])
def test_each_trial_may_use_as_much_however_many_there_are(asked: str) -> None:
    status = subprocess.run([sys.executable, "-c", SPENDS, asked], check=False).returncode
    assert (status == 0) == (asked == "allow")


def test_a_process_that_waits_for_ever_is_stopped(tmp_path: Path) -> None:
    ended = graded(tmp_path, "        import os\n        os.read(os.pipe()[0], 1)\n", wall_s=2.0)
    assert "was stopped" in ended.sentence


def test_a_flood_of_prints_is_stopped(tmp_path: Path) -> None:
    ended = graded(tmp_path, '        while True:\n            print("x" * 10_000)\n')
    assert "printed more than 1 MB" in ended.sentence


@pytest.mark.skipif(sys.platform != "linux", reason="no limits on memory there")
def test_memory_without_end_is_stopped(tmp_path: Path) -> None:
    body = "        self.all = [bytearray(1 << 26) for _ in range(1000)]\n"
    ended = graded(tmp_path, body, memory_bytes=1 << 30)
    assert "MemoryError" in str(ended.answer or ended.sentence)


@pytest.mark.skipif(sys.platform == "win32", reason="no signals there")
def test_a_crash_of_the_interpreter_is_told(tmp_path: Path) -> None:
    assert "crashed (SIGABRT)" in graded(tmp_path, "        import os\n        os.abort()\n").sentence


def test_a_design_that_ends_its_process_is_told(tmp_path: Path) -> None:
    ended = graded(tmp_path, "        import os\n        os._exit(0)\n")
    assert "ended its own process (status 0)" in ended.sentence


@pytest.mark.parametrize(
    "start",
    [
        'subprocess.Popen(["sleep", "600"], start_new_session=True)',
        'os.system("true")',
        "os.fork()",
        "os.kill(os.getppid(), 15)",
        # Who says that it is the harness's starts what the harness starts, and nothing else.
        'from windtunnel.engines.shared.child import STARTING; STARTING.set(True); subprocess.Popen(["sleep", "600"])',
        'from windtunnel.engines.shared.child import STARTING; STARTING.set(True); os.system("true")',
    ],
)
def test_a_design_starts_no_process_and_sends_no_signal(tmp_path: Path, start: str) -> None:
    body = f"        import os, subprocess\n        {start}\n"
    file = tmp_path / "at_import.py"
    file.write_text(f"import os, subprocess\n{start}\n{HEAD}        pass\n{BUY}")
    ended = limited({"file": str(file), "seeds": 1}, Limits())
    assert "may not start processes" in ended.answer["wrong"]
    assert "may not start processes" in graded(tmp_path, body).answer["wrong"]


def test_what_a_design_writes_between_our_lines_is_passed_over(tmp_path: Path) -> None:
    lines = ["import os", "for handle in range(3, 12):", "    try:", r'        os.write(handle, b"[1]\n{garbage\n")']
    lines += ["    except OSError:", "        pass"]
    body = "".join(f"        {line}\n" for line in lines)
    assert "has to report() its sold" in graded(tmp_path, body).answer["wrong"]


def test_an_answer_that_nobody_wants_any_more_is_given_up(tmp_path: Path) -> None:
    asked = []

    def unwanted() -> bool:
        asked.append(1)
        return len(asked) > 3

    file = tmp_path / "mine.py"
    file.write_text(HEAD + "        while True:\n            pass\n" + BUY)
    assert limited({"file": str(file), "seeds": 1}, Limits(), unwanted=unwanted).given_up


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("        raise SystemExit\n", "called sys.exit"),
        ("        raise KeyboardInterrupt\n", "raised KeyboardInterrupt, which ends programs"),
        ("        1 / 0\n", "Design yours is broken: its constructor raised ZeroDivisionError"),
    ],
)
def test_a_design_that_breaks_is_told_in_one_sentence(tmp_path: Path, body: str, sentence: str) -> None:
    ended = graded(tmp_path, body)
    assert sentence in ended.answer["wrong"]
    assert "\n" not in ended.answer["wrong"]


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    before = set(psutil.Process().children(recursive=True))  # a server that other tests share
    graded(tmp_path, "        import os\n        os.read(os.pipe()[0], 1)\n", wall_s=0.5)
    assert set(psutil.Process().children(recursive=True)) <= before
