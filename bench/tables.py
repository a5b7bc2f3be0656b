"""A group's rows as a table for people and a document for the next run to compare itself with."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.harness import Measured, Pairs, Row, changes, measure, remarks


def run_group(name: str, rows: Iterable[Row], out: Path, committed: Path) -> list[Measured]:
    """Measure a group, write `NAME.json` and `NAME.md` beside each other, and say what moved."""
    measured, packages, load = [], {"numpy", "numba"}, os.getloadavg()[0]
    for row in rows:
        packages.update(row.packages)
        m = measure(row)
        measured.append(m)
        print(f"{name}: {in_a_line(m)}", flush=True)
    where = machine(packages, load)
    before = read_committed(committed / f"{name}.json")
    out.mkdir(parents=True, exist_ok=True)
    document = {"group": name, "machine": where, "rows": [asdict(m) for m in measured]}
    (out / f"{name}.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    (out / f"{name}.md").write_text(table(name, measured, where))
    for change in changes(before, measured):
        print(f"{name}, against the committed table: {change}", flush=True)
    return measured


def in_a_line(m: Measured) -> str:
    rates = ", ".join(f"{k} {v:,.4g}" for k, v in sorted(m.rates.items(), key=lambda kv: -kv[1]))
    ratio = "" if m.ratio is None else f"; {m.ratio:.2f} times {m.rival}"
    return f"{m.title}: {rates} {m.unit}{ratio}{verdict(m)}"


def verdict(m: Measured) -> str:
    return "" if m.held is None else f", bar {m.bar:g} {'held' if m.held else 'MISSED'}"


def read_committed(path: Path) -> dict[str, Measured]:
    """The rows of the committed table by title; of the one that lies there, outside of a checkout."""
    found = subprocess.run(
        ["git", "show", f"HEAD:./{path.name}"], cwd=path.parent, capture_output=True, text=True, check=False
    )
    if found.returncode and not path.exists():
        return {}
    return from_document(json.loads(found.stdout if not found.returncode else path.read_text()))


def from_document(document: Mapping[str, Any]) -> dict[str, Measured]:
    """Rows as `run_group` wrote them; none of a table of another form."""
    rows: list[dict[str, Any]] = [row for row in document["rows"] if "pairs" in row]
    made = [Measured(**row | {"pairs": {peer: Pairs(**p) for peer, p in row["pairs"].items()}}) for row in rows]
    return {row.title: row for row in made}


def machine(packages: Iterable[str], load_before: float) -> dict[str, Any]:
    """What the figures were taken on: processor, cores, who else was there, versions."""
    from windtunnel.sim.tier import TIER

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
        "load": [round(load_before, 1), round(os.getloadavg()[0], 1)],
        "loop": TIER,
        "python": platform.python_version(),
        "system": platform.system(),
        "versions": versions,
    }


def table(name: str, measured: Iterable[Measured], where: Mapping[str, Any]) -> str:
    """The group as Markdown, one line a contender: ours first, then the fastest."""
    before, after = where["load"]
    lines = [
        f"## {name}",
        "",
        f"{where['cpu']}, {where['cores']} cores, load {before} before and {after} after; Python {where['python']}, "
        f"{where['system']}, {where['loop']} loop; {', '.join(f'{k} {v}' for k, v in where['versions'].items())}.",
        "Rates are per CPU-second, medians of the rounds. Ratios are medians of pairs, ours and the other in a round; "
        "in brackets the middle half of the pairs.",
        "",
        "| job | contender | rate | unit | ours / it | bar |",
        "|---|---|--:|---|--:|--:|",
    ]
    notes = []
    for m in measured:
        names = sorted(m.rates, key=lambda k, m=m: (k != m.ours, -m.rates[k]))  # type: ignore[misc]  # of a lambda
        for k in names:
            first = k == names[0]
            ratio = f"{m.pairs[k].median:.2f} ({m.pairs[k].low:.2f} to {m.pairs[k].high:.2f})" if k in m.pairs else ""
            if k == m.rival:
                ratio = f"**{ratio}**"
            lines.append(
                f"| {m.title if first else ''} | {k} | {m.rates[k]:,.4g} | {m.unit} | {ratio} | "
                f"{verdict(m).removeprefix(', bar ') if first else ''} |"
            )
        notes += [f"- {m.title}: {said}" for said in remarks(m)]
    return "\n".join([*lines, "", *notes, ""])
