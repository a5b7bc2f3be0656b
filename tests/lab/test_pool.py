"""Workers that are stopped in the middle of something."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from windtunnel.lab.errors import WrongInput
from windtunnel.lab.running import pool
from windtunnel.lab.running.work import Job

HALF_WAY = """
import json, os, sys, time
from pathlib import Path
from windtunnel.lab.result import draft_of
sys.stdin.readline()
job = json.loads(sys.stdin.readline())
path = Path(job["history"])
if job["seed"] == 0:
    draft_of(path, os.getpid()).write_text("half")
    time.sleep(600)
while not any(path.parent.iterdir()):
    time.sleep(0.01)
print(json.dumps({"wrong": "WrongInput", "text": "No."}), flush=True)
"""


def test_a_worker_that_is_stopped_while_it_writes_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_way(arguments: list[str], **options: Any) -> subprocess.Popen[str]:
        return process_of([sys.executable, "-c", HALF_WAY], **options)

    process_of: Any = subprocess.Popen
    monkeypatch.setattr(pool.subprocess, "Popen", half_way)
    jobs = [Job("sim", "one", seed, 0, {}, history=str(tmp_path / f"one-{seed}.jsonl")) for seed in (0, 1)]
    with pytest.raises(WrongInput, match=r"^No\.$"):
        pool.work("any", "", jobs, 2, lambda job: None)
    assert list(tmp_path.iterdir()) == []
