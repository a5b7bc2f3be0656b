"""The whole program from outside: one new file, Ctrl-C, a killed starter. Runs a copy of the package."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import windtunnel
from windtunnel.lab.discovery import modules

HERE = Path(__file__).parent
SLOW = """
    @process
    async def buy(self) -> str:
        from windtunnel.sim import reality

        with reality(), open({pipe!r}, "w") as pipe:
            pipe.write("at work")
        while True:
            pass
"""


class Copy:
    """A copy of the package in a folder, and the command line that runs from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.catalogue = folder / "windtunnel" / "catalogue"
        ignored = shutil.ignore_patterns("blocks", "kernels")  # bytecode goes along, and is found to be of this age
        shutil.copytree(Path(windtunnel.__file__).parent, folder / "windtunnel", ignore=ignored)
        self.environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "windtunnel", *arguments],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=120)
            return process.returncode, out, err


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("copy"))


@pytest.fixture
def add(copy: Copy) -> Iterator[Callable[[str, str], None]]:
    """Adds a file to the copied catalogue for one test."""
    added: list[Path] = []

    def write(name: str, text: str) -> None:
        added.append(copy.catalogue / "scale" / name)
        added[-1].write_text(text)

    yield write
    for path in added:
        path.unlink()


TOY = (HERE.parent / "helpers" / "toy_shop.py").read_text()


def test_one_new_file_is_in_the_list_the_run_the_figures_and_the_tests(
    copy: Copy, add: Callable[[str, str], None]
) -> None:
    before = set(modules())
    add("fifth_wheel.py", TOY.replace("seeds=3", "seeds=6"))  # three equal seeds would tell nothing of its figure
    assert {e["id"] for e in json.loads(copy("list", "--json")[1])} == before | {"fifth-wheel"}
    assert "fifth-wheel" in copy("list")[1]
    status, out, _ = copy("run", "fifth-wheel")
    assert (status, "one_step" in out.replace("\n", " ")) == (0, True)
    status, out, _ = copy("figures", "fifth-wheel", "--json")
    assert (status, [f["verdict"] for f in json.loads(out)]) == (0, ["reproduced"])
    tests = HERE.parent / "catalogue" / "test_every_experiment.py"
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider", str(tests)],
        env={**copy.environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # what others add is dear to load
        capture_output=True,
        text=True,
        check=True,
    )
    assert "fifth-wheel" in collected.stdout


@pytest.fixture(params=[1, 2])
def at_work(
    request: pytest.FixtureRequest, copy: Copy, add: Callable[[str, str], None], tmp_path: Path
) -> Iterator[Any]:
    """A run whose designs never come to an end, once its workers are in the middle of it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    head, _, rest = TOY.partition("    @process\n")
    add("endless.py", head + SLOW.format(pipe=str(pipe)) + rest[rest.index("\n    def report") :])
    out = tmp_path / "result.json"
    out.write_text("old")
    process = copy.start("run", "endless", "--jobs", str(request.param), "--out", str(out), start_new_session=True)
    reading, ended = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), os.pidfd_open(process.pid)
    ready, _, _ = select.select([reading, ended], [], [], 60)
    os.close(reading)
    os.close(ended)
    assert ready == [reading], process.communicate()
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) == (request.param if request.param > 1 else 0)
    yield process, children, out
    process.kill()
    process.communicate()


def test_ctrl_c_leaves_no_process_and_no_half_written_file(at_work: Any) -> None:
    process, children, out = at_work
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.strip()) == (130, "Stopped.")
    assert psutil.wait_procs(children, timeout=30)[1] == []
    assert [p.name for p in out.parent.iterdir() if p != out.parent / "pipe"] == ["result.json"]
    assert out.read_text() == "old"


def test_workers_die_with_a_starter_that_is_killed(at_work: Any) -> None:
    process, children, _ = at_work
    process.kill()
    assert psutil.wait_procs(children, timeout=30)[1] == []
