"""A ledger of processor seconds: what each test file costs, its children included, and what each track does.

A plugin of pytest (`tests/conftest.py` registers it). Under xdist each worker keeps its own book and hands it over at
the end. Children count when they are waited for. The ledger is printed where ten files or more were run; it is read by
people, and no test fails for it.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from windtunnel.lab.discovery import TRACKS, modules, track_of

CORE = "core"
SHARES_CPU_S = {"concurrency": 45, "scale": 185, "ai": 90, "interview": 140, CORE: 400}
"""What each may cost, kernels compiled: in sum what two cores do in ten minutes, less what style and types cost."""
COLLECTING = "(imports and collection)"
SHOWN_FROM_S = 1.0
FEWEST_FILES = 10


def cpu_s() -> float:
    """Processor seconds of this process, and of its children that ended."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


@cache
def _track_of_file(path: Path) -> str:
    """The track that a test file is about: its folder's, or that of the experiment that it imports or names."""
    found = [part for part in path.parts if part in TRACKS]
    text = path.read_text("utf-8")
    found += re.findall(r"windtunnel\.catalogue\.(\w+)", text)
    found += [track_of(module) for name, module in modules().items() if f'find("{name}")' in text]
    named = {track for track in found if track in TRACKS}
    return named.pop() if len(named) == 1 else CORE


def track(item: pytest.Item) -> str:
    """The track that a test is about: of the experiment, or design for one, that it is asked of, else of its file."""
    asked = getattr(item, "callspec", None)
    for value in asked.params.values() if asked is not None else ():
        name = value.parent.name.replace("_", "-") if isinstance(value, Path) else value
        if isinstance(name, str) and name in modules():
            return track_of(modules()[name]) or CORE
    return _track_of_file(item.path)


class Ledger:
    """The book of one process; the controller of xdist adds up those of its workers."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.files: Counter[str] = Counter()
        self.tracks: Counter[str] = Counter()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        start = cpu_s()
        try:
            return (yield)
        finally:
            spent = cpu_s() - start
            self.files[str(item.path.relative_to(self._root))] += spent
            self.tracks[track(item)] += spent

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        start = cpu_s()
        try:
            return (yield)
        finally:
            self.files[COLLECTING] += cpu_s() - start
            self.tracks[CORE] += cpu_s() - start

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["ledger"] = {"files": dict(self.files), "tracks": dict(self.tracks)}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        book = getattr(node, "workeroutput", {}).get("ledger", {})
        self.files.update(book.get("files", {}))
        self.tracks.update(book.get("tracks", {}))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if len(self.files) > FEWEST_FILES:
            terminalreporter.section("CPU seconds by file, children included")
            for line in lines(self.files, self.tracks):
                terminalreporter.write_line(line)


def lines(files: Counter[str], tracks: Counter[str]) -> list[str]:
    """The ledger as printed: dear files first, cheap ones in one line, the sum, each track beside its share."""
    dear = [(name, spent) for name, spent in files.most_common() if spent >= SHOWN_FROM_S]
    cheap = [spent for spent in files.values() if spent < SHOWN_FROM_S]
    told = [f"{spent:8.1f}  {name}" for name, spent in dear]
    if cheap:
        told.append(f"{sum(cheap):8.1f}  in {len(cheap)} files below {SHOWN_FROM_S:g} s each")
    told.append(f"{sum(files.values()):8.1f}  in all")
    told.append("   ".join(f"{name} {tracks[name]:.1f} of {share}" for name, share in SHARES_CPU_S.items()))
    told += [
        f"{name} has used more than its share: move what is dear to soak, and leave a small sister here."
        for name, share in SHARES_CPU_S.items()
        if tracks[name] > share
    ]
    return told
