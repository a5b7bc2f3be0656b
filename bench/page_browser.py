"""A server of the page and a Chromium for measurements, without a graphics card; what both use of the processor."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

import psutil

from windtunnel import find

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
WIDE = {"width": 1280, "height": 900}
PATIENCE_MS = 120_000


def executable() -> str | None:
    """Where the system's Chromium is; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser, with its first page behind it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
        try:
            browser.new_page().close()
            yield browser
        finally:
            browser.close()


@contextmanager
def serving(seen: Iterable[str] = ()) -> Iterator[tuple[str, psutil.Process]]:
    """`windtunnel web`, just started, while the block runs: its address and its process.

    The experiments in `seen` have been looked at before, so that their results are shown at once.
    """
    with tempfile.TemporaryDirectory() as folder:
        # As at somebody's desk: what Python compiles once stays compiled.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment["WINDTUNNEL_PROGRESS"] = str(Path(folder) / "progress.json")
        known = {name: {"runs": 1, "guesses": _looked(name)} for name in seen}
        Path(environment["WINDTUNNEL_PROGRESS"]).write_text(json.dumps(known), "utf-8")
        command = [sys.executable, "-m", "windtunnel", "web", "--port", "0", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            try:
                yield json.loads(process.stdout.readline())["address"], psutil.Process(process.pid)
            finally:
                process.terminate()


def _looked(name: str) -> list[dict[str, Any]]:
    """As a progress file has it: each question was asked today, and nobody wanted to guess."""
    said = {"said": None, "measured": 1.0, "day": date.today().isoformat()}
    return [{**said, "question": one.question, "unit": one.unit} for one in find(name).asks]


def ahead(priority: int = -18, every_s: float = 0.1) -> None:
    """Have the scheduler run this process and what it starts before others, from now on, by Linux' groups of sessions.

    A browser and workers have sessions of their own, so each is told. Raises OSError where that may not be done.
    """
    Path("/proc/self/autogroup").write_text(str(priority), "ascii")

    def tell() -> None:
        while True:
            for one in psutil.Process().children(recursive=True):
                with suppress(OSError):
                    Path(f"/proc/{one.pid}/autogroup").write_text(str(priority), "ascii")
            time.sleep(every_s)

    threading.Thread(target=tell, daemon=True).start()


def browsers() -> list[psutil.Process]:
    """The processes of the browser that we have started."""
    return [one for one in psutil.Process().children(recursive=True) if "chrom" in one.name()]


def used_s(processes: Iterable[psutil.Process]) -> float:
    """CPU seconds of processes and of all that they have started."""
    found: dict[int, float] = {}
    for process in processes:
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.Error):
                times = one.cpu_times()  # those of children are of children that have ended
                found[one.pid] = times.user + times.system + times.children_user + times.children_system
    return sum(found.values())
