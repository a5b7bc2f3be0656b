"""Results that are committed: whoever changes what an experiment measures sees it in a diff, in words.

``make golden`` writes them anew; read the diff before you commit it.
"""

from __future__ import annotations

import difflib
import io
import os
from pathlib import Path

import pytest

from windtunnel.lab.discovery import load, modules
from windtunnel.lab.experiment import idea
from windtunnel.lab.run import run
from windtunnel.ui import terminal

GOLDEN = Path(__file__).parents[2] / "results" / "quick"
SIMULATED = [name for name, module in modules().items() if load(module).stages[0] == "sim"]


def shown(name: str) -> str:
    """What a person sees of a quick run with three seeds, without colours."""
    experiment = load(modules()[name])
    found = run(experiment, quick=True, seeds=3)
    out = io.StringIO()
    terminal.show(terminal.result(found, {n: idea(make) for n, make in experiment.designs.items()}), out)
    return out.getvalue()


@pytest.mark.parametrize("name", SIMULATED)
def test_a_quick_run_shows_what_is_committed(name: str) -> None:
    file, now = GOLDEN / f"{name}.txt", shown(name)
    if os.environ.get("WINDTUNNEL_GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(now, "utf-8")
    before = file.read_text("utf-8") if file.exists() else ""
    change = "\n".join(difflib.unified_diff(before.splitlines(), now.splitlines(), "committed", "now", lineterm=""))
    assert not change, f"{change}\nIf this is meant: make golden, and read the diff."


def test_nothing_is_committed_of_experiments_that_are_gone() -> None:
    assert sorted(p.stem for p in GOLDEN.glob("*.txt")) == sorted(SIMULATED)
