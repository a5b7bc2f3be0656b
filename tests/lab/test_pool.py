"""When a run takes several processes, and workers that are stopped in the middle of something."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest

import windtunnel.lab.run as running
from helpers.toy_shop import experiment
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.result import Result
from windtunnel.lab.running import pool
from windtunnel.lab.running.work import Done, Job, execute

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
        pool.work("any", "", jobs, 2, lambda job, done: None)
    assert list(tmp_path.iterdir()) == []


def bytes_of(result: Result) -> str:
    return replace(result, provenance={}).to_json()


def test_a_short_run_stays_in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_: object) -> NoReturn:
        raise AssertionError("A process was started.")

    wanted = bytes_of(running.run(experiment, jobs=1))
    monkeypatch.setattr(pool, "cores", lambda: 2)
    monkeypatch.setattr(pool, "work", started)
    monkeypatch.setattr(running, "forecast_s", lambda done, jobs: running.ALONE_CPU_S)
    assert bytes_of(running.run(experiment)) == wanted
    with pytest.raises(AssertionError, match="started"):
        running.run(experiment, jobs=2)


def test_a_run_goes_on_in_several_as_soon_as_its_jobs_tell_that_it_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = running.run(experiment, jobs=1)
    handed: list[int] = []

    def work(
        module: str, with_file: str, jobs: Sequence[Job], count: int, finished: Callable[[Job], None]
    ) -> list[Done]:
        handed.extend([len(jobs), count])
        return [execute(experiment, job) for job in jobs]

    monkeypatch.setattr(pool, "cores", lambda: 2)
    monkeypatch.setattr(pool, "work", work)
    monkeypatch.setattr(running, "forecast_s", lambda done, jobs: len(done) * 1.0)
    assert bytes_of(running.run(experiment)) == bytes_of(alone)
    assert handed == [len(alone.runs) - 2, 2]


def test_what_a_run_will_take_is_reckoned_from_the_jobs_that_are_done() -> None:
    done = [Done({}, "", [], cpu_s) for cpu_s in (0.1, 0.3)]
    assert running.forecast_s(done, 10) == pytest.approx(2.0)
    assert running.forecast_s([], 10) == 0
