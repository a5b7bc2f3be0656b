"""What is measured on this machine, beside four processes that are busy: no claim turns, and most can still be told."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator

import pytest

from windtunnel import run
from windtunnel.lab.claims import parse
from windtunnel.lab.discovery import every
from windtunnel.lab.doubt.changed import text_digest
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.notes import Notes, folder

BUSY, RUNS = 4, 20
MOST_UNKNOWN = 1 / 3
"""Of all verdicts."""
MEASURED = [e for e in every() if e.measured]
TIMED = re.compile(r"_m?s(_|$)|^(left|kept|waiting|cost|cores|speed_up|at_most|apart)_")
"""Names of what others on the machine make longer, or less."""


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


def verdicts(experiment: Experiment, runs: int, notes: Notes) -> dict[str, Counter[str]]:
    """How often each claim had which verdict. What was run before, of this text, is not run again."""
    found: dict[str, Counter[str]] = {claim.expression: Counter() for claim in experiment.claims}
    for number in range(runs):
        key = f"{text_digest(experiment)} {number}"
        if key not in notes.known:
            notes.add(key, {claim.expression: claim.verdict for claim in run(experiment, quick=True, jobs=1).claims})
        for expression, verdict in notes.known[key].items():
            found[expression][verdict] += 1
    return found


@pytest.mark.soak
@pytest.mark.parametrize("experiment", MEASURED, ids=lambda e: e.id)
def test_in_twenty_runs_beside_four_busy_processes_no_claim_turns(experiment: Experiment, busy: None) -> None:
    notes = Notes(folder("beside-others") / f"{experiment.id}.jsonl")
    found = verdicts(experiment, RUNS, notes)
    for expression, counts in found.items():
        print(f"{experiment.id}: {expression}: {dict(counts)}")
    notes.drop()  # the next call begins anew, whatever came of this one
    assert {expression: dict(counts) for expression, counts in found.items() if counts["fails"]} == {}
    unknown = sum(counts["unknown"] for counts in found.values())
    assert unknown <= MOST_UNKNOWN * sum(counts.total() for counts in found.values())


def timed(node: ast.AST) -> set[str]:
    """The measurements that it names and others make longer, or less; an estimate is reckoned, and is none."""
    named = {ast.unparse(one): one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
    return {
        text
        for text, name in named.items()
        if TIMED.search(name) and not name.startswith("estimate") and not text.startswith("params.")
    }


def comparisons_of_times(expression: str) -> list[str]:
    """The comparisons of an expression in which two times stand against each other."""
    compared = [node for node in ast.walk(parse(expression)) if isinstance(node, ast.Compare)]
    return [ast.unparse(node) for node in compared if len(timed(node)) > 1]


def test_what_compares_two_times_is_asked_of_the_means() -> None:
    claims = [(experiment.id, claim) for experiment in MEASURED for claim in experiment.claims]
    assert {name for name, _ in claims} >= {"event-loop", "gil-convoy", "threads-or-processes"}
    by_seed = [(name, claim.expression) for name, claim in claims if claim.over == "seed"]
    assert [(name, text) for name, text in by_seed if comparisons_of_times(text)] == []


def test_times_that_are_compared_are_seen() -> None:
    assert comparisons_of_times("a.left_all > 1.2 * b.left_all") == ["a.left_all > 1.2 * b.left_all"]
    assert comparisons_of_times("a.left_all / b.left_all < 0.8")
    assert comparisons_of_times("a.at_once > 1 and 2 < a.per_s_all < b.per_s_none")
    assert comparisons_of_times("a.calls_ms > 0.95 * params.call_ms and a.calls_ms > a.estimate_calls_ms") == []
    assert comparisons_of_times("a.at_once > b.at_once") == []
