"""A server of the page for tests: in this process, with its workers, or `windtunnel web` in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from windtunnel.web.app import application
from windtunnel.web.crew import Crew
from windtunnel.web.guard import TOKEN
from windtunnel.web.own import Own

PORT = 8642
HOME = f"http://127.0.0.1:{PORT}"
SECRET = "a token"
WITH_TOKEN = {TOKEN: SECRET}
PATIENCE_S = 30.0
"""Within which a server that is told to end has ended, on a busy machine too."""


@contextmanager
def served(crew: Crew | None = None, own: Own | None = None) -> Iterator[TestClient]:
    """A client of a server that runs while the block does."""
    with TestClient(
        application(PORT, SECRET, crew, own), base_url=HOME, raise_server_exceptions=False, client=("127.0.0.1", 50000)
    ) as client:
        yield client


def events(client: TestClient, run: str) -> list[tuple[str, str]]:
    """All events of a run, until it is over: kind and data."""
    text = client.get(f"/api/runs/{run}/events").text
    found = []
    for block in filter(None, text.split("\n\n")):
        kind, data = block.split("\n")
        found.append((kind.removeprefix("event: "), data.removeprefix("data: ")))
    return found


def error(answer: Any) -> str:
    """The sentence of a refusal; fails where it is none."""
    said = str(answer.json()["error"])
    assert said[-1] in ".?", said
    return said


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[str]:
    """`windtunnel web` while the block runs; its address. A learner's progress stands in `folder`."""
    environment = {**os.environ, "WINDTUNNEL_PROGRESS": str(folder / "progress.json")}
    command = [sys.executable, "-m", "windtunnel", "web", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[0]
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
