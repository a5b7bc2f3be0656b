"""Contenders that run in a process or an interpreter of their own, and report their own rate."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from bench.harness import Skip, Timed

ROOT = Path(__file__).parent.parent


def report(command: list[str]) -> dict[str, float]:
    """Run a contender that prints ``{"rate": per CPU-second, "answer": number}``; Skip if it fails."""
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
