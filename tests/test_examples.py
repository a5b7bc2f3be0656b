"""Each example does what it says, and the experiment among them is run from its file."""

from __future__ import annotations

import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from windtunnel.lab.discovery import find
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.run import run

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(autouse=True)
def _nothing_stays_importable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if not name.startswith("windtunnel"):
            del sys.modules[name]


SAYS = {
    "service_under_faults": [
        "copied after the answer: 2 of 5 seeds go wrong",
        "copied before the answer: 0 of 5 seeds go wrong",
    ],
    "check_a_history": ["invalid: Not linearizable", "ann get('stock',) -> 5, 0.8 s to 0.9 s"],
    "block_at_work": ["20000 of 20000 members found", "1.2 bytes a name"],
    "race_found": [
        "of the unguarded shop: 2 tickets sold of 1",
        "write Stock 1.sold  ✗",
        "schedules tried, none fails: True",
    ],
}


@pytest.mark.parametrize("name", SAYS)
def test_an_example_says_what_it_found(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    told = capsys.readouterr().out
    assert [words for words in SAYS[name] if words not in told] == [], told


def test_no_example_is_forgotten() -> None:
    assert {p.stem for p in EXAMPLES.glob("*.py")} == {*SAYS, "experiment"}


def test_an_experiment_in_a_file_of_yours_is_found_and_its_claims_hold() -> None:
    experiment = find(str(EXAMPLES / "experiment.py"))
    assert (experiment.id, experiment.track) == ("experiment", "")
    assert find(str(EXAMPLES / "experiment.py")) is experiment
    result = run(experiment, seeds=2, jobs=1, customers=3000)
    assert [claim.verdict for claim in result.claims] == ["holds", "holds"]


def test_it_has_40_lines_beside_its_docstrings() -> None:
    lines = (EXAMPLES / "experiment.py").read_text("utf-8").splitlines()
    assert len([line for line in lines if line.strip() and '"""' not in line]) <= 45


def test_the_workers_of_a_run_find_it_too(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text((EXAMPLES / "experiment.py").read_text("utf-8").replace("5000", "100"))
    command = [sys.executable, "-m", "windtunnel", "run", "mine.py", "--jobs", "2", "--seeds", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert "How much waiting" in done.stdout
    assert "Next: windtunnel sweep mine.py --over load=" in done.stdout


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("gone.py", None, "There is no file"),
        ("json.py", "experiment = 1", "has the name of"),
        ("my-own.py", "experiment = 1", "take letters, digits and _"),
        ("bare.py", "x = 1", "holds no experiment"),
        ("number.py", "experiment = 1", "is no Experiment but int"),
        ("latin.py", b"# \xe4", "cannot be read"),
        ("broken_one.py", "experiment = (", "cannot be loaded: SyntaxError"),
    ],
)
def test_a_file_without_an_experiment_is_refused(
    tmp_path: Path, name: str, text: str | bytes | None, said: str
) -> None:
    file = tmp_path / name
    if isinstance(text, bytes):
        file.write_bytes(text)
    elif text is not None:
        file.write_text(text)
    with pytest.raises(WrongInput, match=said):
        find(str(file))
