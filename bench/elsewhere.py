"""Contenders that run in a process or an interpreter of their own, and report their own rate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from bench.harness import Skip, Timed

ROOT = Path(__file__).parent.parent


def peer_python(package: str) -> str:
    """The interpreter that has this peer: this one, or the one that `WINDTUNNEL_PEER_PYTHON` names; else Skip."""
    if find_spec(package) is not None:
        return sys.executable
    python = os.environ.get("WINDTUNNEL_PEER_PYTHON")
    if not python:
        raise Skip("needs a newer Python; name one that has it in WINDTUNNEL_PEER_PYTHON")
    return python


def report(command: list[str]) -> dict[str, float]:
    """Run a contender that prints `{"rate": per CPU-second, "answer": number}`; Skip if it fails."""
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if found.returncode:
        raise Skip((found.stderr.strip().splitlines() or ["it failed without a word"])[-1])
    result: dict[str, float] = json.loads(found.stdout)
    return result


def at_rate(rate: float) -> Timed:
    """What was measured elsewhere, as the harness wants it: operations for the CPU time that it sees."""

    def timed() -> int:
        start = time.process_time_ns()
        while time.process_time_ns() - start < 20_000_000:
            pass
        return round(rate * (time.process_time_ns() - start) / 1e9)

    return timed
