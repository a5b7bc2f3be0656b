"""The ledger of processor seconds that `make test` prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from helpers.ledger import CORE, SHARES_CPU_S, lines, track
from windtunnel.lab.discovery import TRACKS

BURNS = """
import subprocess, sys, time
BURN = "import time\\nwhile time.process_time() < {}: pass"
def test_here(): exec(BURN.format(time.process_time() + 0.3))
def test_in_a_child(): subprocess.run([sys.executable, "-c", BURN.format(0.8)], check=True)
"""
CONFTEST = """
from helpers.ledger import Ledger
def pytest_configure(config): config.pluginmanager.register(Ledger(config.rootpath), "ledger")
"""


def test_dear_files_come_first_and_cheap_ones_share_a_line() -> None:
    files = Counter({"a": 0.5, "b": 3.0, "c": 2.0, "d": 0.25})
    told = lines(files, Counter({"scale": 3.0, "core": 2.75}))
    assert list(SHARES_CPU_S) == [*TRACKS, CORE]
    assert [line.split()[0] for line in told[:4]] == ["3.0", "2.0", "0.8", "5.8"]
    assert told[2].endswith("in 2 files below 1 s each")
    assert (
        told[-1] == "concurrency 0.0 of 45   scale 3.0 of 185   ai 0.0 of 90   interview 0.0 of 140   core 2.8 of 400"
    )


def test_a_track_that_has_used_more_than_its_share_is_told() -> None:
    told = lines(Counter({"a": 200.0}), Counter({"ai": 110.0, "scale": 90.0}))
    assert told[-1].startswith("ai has used more than its share: ")
    assert told[-2].startswith("concurrency 0.0 of 45   scale 90.0 of 185")


@pytest.mark.parametrize(
    ("asked", "told"),
    [("event-loop", "concurrency"), (Path("planted/tail_at_scale/wrong_one.py"), "scale"), ("no experiment", CORE)],
)
def test_a_test_of_an_experiment_or_of_a_design_for_one_counts_to_its_track(asked: object, told: str) -> None:
    item = SimpleNamespace(callspec=SimpleNamespace(params={"one": 1, "asked": asked}), path=Path(__file__))
    assert track(item) == told  # type: ignore[arg-type]


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "two workers"])
def test_it_counts_the_children_of_tests(tmp_path: Path, alone: bool) -> None:
    (tmp_path / "test_burns.py").write_text(BURNS)
    for i in range(10):
        (tmp_path / f"test_cheap_{i}.py").write_text(f"def test_{i}(): pass")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    workers = [] if alone else ["-p", "xdist.plugin", "-n", "2", "--dist", "loadfile"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # what others add is dear to load
    command = [sys.executable, "-m", "pytest", "-q", *workers]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    burnt = re.search(r"([\d.]+)  test_burns\.py", done.stdout)
    assert burnt is not None, done.stdout
    assert float(burnt[1]) >= 1.1  # what is burnt is counted; a busy machine does not make it less
