"""Measures contenders in turns, in CPU time, and says who stands where.

A row is one job. Each contender is a function that prepares its state and returns the timed part; the timed part does
the job and returns how many operations that was. Contenders take turns, round after round, so that a noisy minute hits
all of them; best and median of the rounds are reported. A peer that is not installed is skipped, with a word.
"""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

Timed = Callable[[], int]
"""Does the job once and returns the number of operations."""


class Skip(Exception):
    """Raised by a contender's preparation when it cannot run here; the sentence says why."""


@dataclass(frozen=True)
class Row:
    """One job. `contenders` maps a name to its preparation; names that start with "ours" are ours.

    `bar` is the least ratio of the best of ours over the best peer that we hold ourselves to (None: shown, not held).
    """

    title: str
    contenders: Mapping[str, Callable[[], Timed]]
    unit: str = "op/s"
    bar: float | None = None
    against: str | None = None
    """The peer that the bar speaks of; without it, the best of all peers."""
    note: str = ""
    rounds: int = 5
    packages: tuple[str, ...] = ()


@dataclass
class Measured:
    title: str
    unit: str
    bar: float | None
    note: str
    best: dict[str, float] = field(default_factory=dict)
    median: dict[str, float] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    ratio: float | None = None
    held: bool | None = None


def measure(row: Row) -> Measured:
    """Run every contender of one row `rounds` times, in turns."""
    out = Measured(row.title, row.unit, row.bar, row.note)
    timed: dict[str, Timed] = {}
    for name, prepare in row.contenders.items():
        try:
            timed[name] = prepare()
            timed[name]()  # warm: compiles, fills caches
        except (Skip, ImportError) as why:
            out.skipped[name] = str(why)
            timed.pop(name, None)
    rates: dict[str, list[float]] = {name: [] for name in timed}
    for _ in range(row.rounds):
        for name, job in timed.items():
            gc.collect()
            start = time.process_time_ns()
            operations = job()
            spent = max(1, time.process_time_ns() - start)
            rates[name].append(operations / spent * 1e9)
    for name, got in rates.items():
        out.best[name] = max(got)
        out.median[name] = statistics.median(got)
    ours = [v for k, v in out.best.items() if k.startswith("ours")]
    peers = {k: v for k, v in out.best.items() if not k.startswith("ours")}
    rival = peers.get(row.against) if row.against else max(peers.values(), default=None)
    if ours and rival:
        out.ratio = max(ours) / rival
        out.held = None if row.bar is None else out.ratio >= row.bar
    return out


def machine(packages: Iterable[str]) -> dict[str, object]:
    """What the figures were taken on: processor, cores, versions."""
    versions = {}
    for name in sorted(set(packages)):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "absent"
    cpu = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
        "versions": versions,
    }


def table(name: str, measured: Iterable[Measured], where: Mapping[str, object]) -> str:
    """The group as Markdown, one line a contender."""
    lines = [f"## {name}", "", f"{where['cpu']}, {where['cores']} cores, Python {where['python']}, {where['system']}. "]
    versions = where["versions"]
    if isinstance(versions, dict) and versions:
        lines[-1] += ", ".join(f"{k} {v}" for k, v in versions.items()) + "."
    lines += ["Rates are per CPU-second: best and median of the rounds.", ""]
    lines += ["| job | contender | best | median | unit | ours / peer | bar |", "|---|---|--:|--:|---|--:|--:|"]
    notes = []
    for m in measured:
        for k in sorted(m.best, key=lambda k: -m.best[k]):
            first = k == max(m.best, key=lambda k: m.best[k])
            ratio = f"{m.ratio:.2f}" if first and m.ratio is not None else ""
            bar = "" if not first or m.bar is None else f"{m.bar:g} {'held' if m.held else 'MISSED'}"
            title = m.title if first else ""
            lines.append(f"| {title} | {k} | {m.best[k]:,.4g} | {m.median[k]:,.4g} | {m.unit} | {ratio} | {bar} |")
        notes += [f"- {m.title}: {k} skipped: {why}" for k, why in m.skipped.items()]
        if m.note:
            notes.append(f"- {m.title}: {m.note}")
    return "\n".join([*lines, "", *notes, ""])


def run_group(name: str, rows: Iterable[Row], out: Path) -> list[Measured]:
    """Measure a group and write `NAME.json` and `NAME.md` beside each other."""
    measured, packages = [], {"numpy", "numba"}
    for row in rows:
        packages.update(row.packages)
        m = measure(row)
        measured.append(m)
        verdict = "" if m.held is None else ("  held" if m.held else "  MISSED")
        ratio = "" if m.ratio is None else f"; ratio {m.ratio:.2f}"
        best = ", ".join(f"{k} {v:,.4g}" for k, v in sorted(m.best.items(), key=lambda kv: -kv[1]))
        print(f"{name}: {m.title}: {best} {m.unit}{ratio}{verdict}", flush=True)
    where = machine(packages)
    out.mkdir(parents=True, exist_ok=True)
    document = {"group": name, "machine": where, "rows": [asdict(m) for m in measured]}
    (out / f"{name}.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    (out / f"{name}.md").write_text(table(name, measured, where))
    return measured
