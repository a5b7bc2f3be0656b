"""Contenders that run in a process or an interpreter of their own, a round at a time, as the others here.

Such a process runs `serve`; of this package it may import only what needs no package that it may lack.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from bench.harness import Skip, Spent

ROOT = Path(__file__).parent.parent


def peer_python(package: str, why: str = "needs a newer Python", named: str = "WINDTUNNEL_PEER_PYTHON") -> str:
    """The interpreter that has this peer: this one, or the one that this variable names; else Skip, and why."""
    if find_spec(package) is not None:
        return sys.executable
    python = os.environ.get(named)
    if not python:
        raise Skip(f"{why}; name one that has it in {named}")
    return python


class Elsewhere:
    """The timed part of a contender in a process that serves its job; `answer` is that of the latest round."""

    def __init__(self, python: str, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [python, "-m", module, *arguments],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.answer = 0.0
        try:
            self()
        except Skip:
            self.close()
            raise

    def __call__(self) -> Spent:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it ended: its last words are read below
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise Skip((self._process.communicate()[1].strip().splitlines() or ["it ended without a word"])[-1])
        told = json.loads(line)
        self.answer = told["answer"]
        return Spent(told["operations"], told["cpu_ns"])

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def serve(job: Callable[[], tuple[int, float]]) -> None:
    """For each line that comes in, do the job; print its operations, the CPU time of this process, and the answer."""
    for _ in sys.stdin:
        gc.collect()
        with contextlib.redirect_stdout(sys.stderr):
            start = time.process_time_ns()
            operations, answer = job()
            spent = time.process_time_ns() - start
        print(json.dumps({"operations": operations, "cpu_ns": max(1, spent), "answer": answer}), flush=True)
