"""Runs a job in an interpreter of its own, kills it where that is asked, and leaves no Java and no file behind."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from machine import java_missing

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PYTHONS = {"flink": ROOT / ".venv-flink/bin/python", "spark": ROOT / ".venv-spark/bin/python"}
LOOKS_S = 0.02
"""Between two looks at what a job has written that shall be killed."""


def missing(engine: str) -> str:
    """Why this engine cannot be asked, and what would help; nothing where it can."""
    if not PYTHONS[engine].exists():
        return f"{engine.capitalize()} is not installed: `make setup-{engine}` gets it."
    return java_missing()


@contextlib.contextmanager
def started(python: Path | str, script: str, *arguments: Path | str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A script in a session of its own, all of which is killed in the end. Whatever it makes is in `folder`."""
    scratch = folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    env = os.environ | {
        "AD_CLICKS_ASKED": "1",
        "TMPDIR": str(scratch),
        "JAVA_TOOL_OPTIONS": f"-Djava.io.tmpdir={scratch} -XX:-UsePerfData",
        "FLINK_LOG_DIR": str(folder),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with (folder / "errors.txt").open("ab") as errors:
        job = subprocess.Popen(
            [str(python), str(HERE / script), *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=env,
            start_new_session=True,
        )
    try:
        yield job
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)
        job.communicate()


def told(job: subprocess.Popen[str], folder: Path) -> Any:
    """What a script said at its end. Raises RuntimeError, with its last words, where it failed."""
    assert job.stdout is not None
    said = job.stdout.read()
    if job.wait():
        words = (folder / "errors.txt").read_text("utf-8", "replace").strip()[-3000:]
        raise RuntimeError(f"{job.args} ended with {job.returncode}: {words}")
    return json.loads(said)


def ours(file: Path, folder: Path) -> Any:
    """What the experiment's designs say."""
    with started(sys.executable, "ours.py", file, folder=folder) as job:
        return told(job, folder)


def asked(engine: str, source: Path, folder: Path, killed: bool = False) -> Any:
    """What Flink or Spark says of a file, or of a folder of pieces; killed in the middle and started again, or not."""
    checkpoint: list[str] = []
    if killed:
        with started(PYTHONS[engine], f"on_{engine}.py", source, folder, folder=folder) as job:
            while not HALFWAY[engine](folder):
                if job.poll() is not None:
                    told(job, folder)
                    raise RuntimeError(f"{engine.capitalize()} had ended before it was killed; take more clicks.")
                time.sleep(LOOKS_S)
        if engine == "flink":  # Spark finds its own
            checkpoint = [str(checkpoints(folder)[-1])]
    with started(PYTHONS[engine], f"on_{engine}.py", source, folder, *checkpoint, folder=folder) as job:
        said = told(job, folder)
    logs = "".join(log.read_text("utf-8", "replace") for log in folder.glob("*.log"))
    return said | {"restored": re.findall(r"Restoring job \w+ from (\w+ \d+)", logs)}


def checkpoints(folder: Path) -> list[Path]:
    """Those of Flink that are complete, oldest first."""
    complete = [file.parent for file in (folder / "checkpoints").glob("*/chk-*/_metadata")]
    return sorted(complete, key=lambda one: int(one.name.removeprefix("chk-")))


def flink_is_halfway(folder: Path) -> bool:
    """A window has been billed, and there is a checkpoint."""
    return any(file.stat().st_size for file in (folder / "bills").glob(".part*")) and bool(checkpoints(folder))


def spark_is_halfway(folder: Path) -> bool:
    """Half of the pieces have been read."""
    return len([*(folder / "checkpoint/commits").glob("[0-9]*")]) >= 10


HALFWAY: dict[str, Callable[[Path], bool]] = {"flink": flink_is_halfway, "spark": spark_is_halfway}
