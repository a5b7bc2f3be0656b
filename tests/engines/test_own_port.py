"""A port of one's own and an experiment that uses it are new files only: those of docs/adding.md, in a copy."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import windtunnel

PAGE = Path(__file__).parents[2] / "docs" / "adding.md"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package with the page's files beside its own; none of those is there already."""
    root = tmp_path_factory.mktemp("copy")
    package = root / "windtunnel"
    shutil.copytree(Path(windtunnel.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    files = re.findall(r"```python\n# (\S+\.py)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(files) == 5
    for name, text in files:
        file = package / name
        assert not file.exists()
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    return root


def said(copy: Path, *arguments: str) -> str:
    """What the copy's command says."""
    done = subprocess.run(
        [sys.executable, "-m", "windtunnel", *arguments],
        env=os.environ | {"PYTHONPATH": str(copy), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_new_port_is_found(copy: Path) -> None:
    assert re.search(r"clock +machine +The clock of this machine, as it is", said(copy, "engines"))


@pytest.mark.parametrize("on", [[], ["--on", "clock=machine"]], ids=["sim", "machine"])
def test_the_experiment_runs_on_the_model_and_on_the_machine(copy: Path, on: list[str]) -> None:
    out = said(copy, "run", "which-is-later", "--seeds", "1", "--jobs", "1", *on)
    assert "one_clock" in out
