"""The interview at a terminal: lines in, lines out, and nobody is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "windtunnel", "interview", "q10-ticketmaster", "--quick"]


def sat(folder: Path, said: str, *options: str) -> subprocess.CompletedProcess[str]:
    command, env = [*COMMAND, *options], environment(folder)
    return subprocess.run(command, input=said, env=env, capture_output=True, text=True, check=False, timeout=300)


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "WINDTUNNEL_PROGRESS": str(folder / "progress.json"), "COLUMNS": "80"}


def test_lines_are_answers_and_where_they_end_the_rest_is_shown(tmp_path: Path) -> None:
    done = sat(tmp_path, "no\n\n\n\n8\n5 ms\n600\n")
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    assert "'5 ms' is not in sales/s; say it as in 800 sales/s or 0.8k." in told
    assert "You said 600 sales/s: right." in told
    assert "> db (database, 4 workers)" in told
    assert "Measured:" in told
    assert "2 of 8 numbers were committed to before they were shown." in told
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_ctrl_c_keeps_what_was_said_and_the_next_call_goes_on(tmp_path: Path) -> None:
    with subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(tmp_path),
        text=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write("a seat is a seat\n")
        running.stdin.flush()
        for line in running.stdout:
            if "Is one ticket too many worse" in line:
                break
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=60)
        assert running.returncode == 130
        assert told.strip().endswith("Stopped.")
    kept = json.loads((tmp_path / "interviews.json").read_text("utf-8"))
    assert kept["q10-ticketmaster"]["answers"] == ["a seat is a seat"]


def test_where_standard_input_is_closed_everything_is_shown(tmp_path: Path) -> None:
    command = ["sh", "-c", 'exec "$@" <&-', "sh", *COMMAND]
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "0 of 8 numbers were committed to" in done.stdout


def test_bytes_that_are_no_text_are_kept_as_what_they_are_shown_as(tmp_path: Path) -> None:
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(tmp_path) | {"LC_ALL": "C.UTF-8"}
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(b"seats\xff\n")
        running.stdin.flush()
        for line in running.stdout:
            if b"Is one ticket too many worse" in line:
                break
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    kept = json.loads((tmp_path / "interviews.json").read_text("utf-8"))
    assert kept["q10-ticketmaster"]["answers"] == ["seats\ufffd"]
