"""Public concurrency bugs, rebuilt: each is found within 5,000 schedules and replayed, and not once it is mended."""

from __future__ import annotations

import importlib
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from windtunnel.explore import RealThreads

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "examples" / "real_bugs"
FEW = 300
"""Schedules of a mended program that are tried here; all that the page tells of are a long check."""


@pytest.fixture
def bugs(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(FOLDER)
    before = set(sys.modules)
    yield runpy.run_path(str(FOLDER))
    for name in set(sys.modules) - before:
        if not name.startswith("windtunnel"):
            del sys.modules[name]


AS_ON_THE_PAGE = sys.version_info[:2] == (3, 11)
"""The asyncio of other versions takes other steps, and so has other schedules."""
NAMES = sorted(path.stem for path in FOLDER.glob("[a-z]*.py"))


def test_there_are_eight_and_all_are_told_of(bugs: Any) -> None:
    assert sorted(bugs["BUGS"]) == NAMES
    assert len(NAMES) == 8


@pytest.mark.parametrize("name", NAMES)
def test_a_bug_is_found_as_the_page_says_and_the_mended_program_has_none(bugs: Any, name: str) -> None:
    search, simple = bugs["found"](name)
    line = next(line for line in (ROOT / "docs/real-bugs.md").read_text("utf-8").splitlines() if f"[`{name}`]" in line)
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1] == bugs["BUGS"][name]
    assert search.failure is not None
    assert search.schedules <= 5_000
    threads = isinstance(importlib.import_module(name).program(fixed=True), RealThreads)
    if AS_ON_THE_PAGE:
        assert cells[2:4] == [f"{search.schedules:,}", f"{simple.switches} in {len(simple.steps)}"]
    elif threads:  # as many schedules and switches; a few steps more are in the standard library
        assert cells[2] == f"{search.schedules:,}"
        assert cells[3].startswith(f"{simple.switches} in ")
    after = bugs["mended"](name, limit=FEW)
    assert after.failure is None
    assert after.complete or after.schedules == FEW
    if after.complete and (AS_ON_THE_PAGE or threads):
        assert cells[4] == f"all {after.schedules:,}"


@pytest.mark.soak
@pytest.mark.skipif(not AS_ON_THE_PAGE, reason="the page counts schedules of Python 3.11")
@pytest.mark.parametrize("name", NAMES)
def test_the_whole_row_is_as_the_page_says(bugs: Any, name: str) -> None:
    assert bugs["row"](name) in (ROOT / "docs/real-bugs.md").read_text("utf-8")
