"""What is measured on this machine, beside four processes that are busy: no claim turns, and most can still be told."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from windtunnel import run
from windtunnel.lab.discovery import every
from windtunnel.lab.experiment import Experiment

BUSY, RUNS = 4, 20
MOST_UNKNOWN = 1 / 3
"""Of all verdicts."""


@pytest.fixture
def busy() -> Iterator[None]:
    """Four processes that compute and do nothing else."""
    others = [subprocess.Popen([sys.executable, "-I", "-c", "while True: pass"]) for _ in range(BUSY)]
    try:
        yield
    finally:
        for one in others:
            one.kill()
            one.wait()


def verdicts(experiment: Experiment, runs: int) -> dict[str, Counter[str]]:
    """How often each claim had which verdict."""
    found: dict[str, Counter[str]] = {claim.expression: Counter() for claim in experiment.claims}
    for _ in range(runs):
        for claim in run(experiment, quick=True, jobs=1).claims:
            found[claim.expression][claim.verdict] += 1
    return found


@pytest.mark.soak
@pytest.mark.parametrize("experiment", [e for e in every() if e.measured], ids=lambda e: e.id)
def test_in_twenty_runs_beside_four_busy_processes_no_claim_turns(experiment: Experiment, busy: None) -> None:
    found = verdicts(experiment, RUNS)
    for expression, counts in found.items():
        print(f"{experiment.id}: {expression}: {dict(counts)}")
    assert {expression: dict(counts) for expression, counts in found.items() if counts["fails"]} == {}
    unknown = sum(counts["unknown"] for counts in found.values())
    assert unknown <= MOST_UNKNOWN * sum(counts.total() for counts in found.values())
