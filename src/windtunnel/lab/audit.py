"""The state of the catalogue: one row an experiment, read off what is committed.

What nobody measured is shown as such, and is red like what was measured and is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import windtunnel
from windtunnel.engines.registry import MODEL
from windtunnel.lab.discovery import every
from windtunnel.lab.doubt.changed import source_of
from windtunnel.lab.doubt.report import Report, read, state_of
from windtunnel.lab.doubt.source import committed
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.footing import MACHINE, name_of
from windtunnel.lab.grading.challenge import planted

MARKS = ("V", "Vq", "D", "R")
VERDICTS = {"reproduced": "✔", "missed": "✗", "unknown": "?", "skipped": "–"}
"""Of a figure; a skipped one speaks of another stage."""


@dataclass(frozen=True, slots=True)
class Audited:
    """One experiment.

    Attributes:
        figures: by mark, how many have each verdict; empty where no run at the defaults is committed.
        alive, mutants: changes that no claim notices, of how many; -1 where none was tried.
        planted: how many wrong and right designs the tests plant.
        judged: how many of them were judged rightly; -1 where no verdicts on just these are committed.
        engines: the stages on which it runs, each with the date of the last committed run there, or "".
        usual_cpu_s: of a run at the defaults; 0 where none is committed.
        doubt: "none", "stale" (the file has changed since), "n findings" or "ok".
        why: what has to be done, in words; the row is red where there is something.
        open: what could not be decided, in words: honest, and not done with.
    """

    experiment: str
    designs: int
    claims: int
    figures: Mapping[str, Mapping[str, int]]
    alive: int
    mutants: int
    planted: int
    judged: int
    engines: Mapping[str, str]
    usual_cpu_s: float
    doubt: str
    why: Sequence[str] = ()
    open: Sequence[str] = ()

    @property
    def red(self) -> bool:
        """Whether something has to be done."""
        return bool(self.why)


def root() -> Path:
    """The checkout that this package runs from."""
    return Path(windtunnel.__file__).resolve().parents[2]


def audit() -> list[Audited]:
    """Every experiment of the catalogue. Raises WrongInput for a damaged report."""
    return [_audited(one) for one in every()]


def table(rows: Sequence[Audited]) -> str:
    """The rows, for a terminal, and below them what each of them lacks."""
    head = ("experiment", "designs", "claims", *VERDICTS.values(), "alive", "planted", "CPU s", "doubt")
    told = [(row.experiment, str(row.designs), str(row.claims), *_cells(row)) for row in rows]
    widths = [max(len(line[i]) for line in (head, *told)) for i in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (head, *told)
    ]
    lines += [
        "",
        "figures: ✔ reproduced, ✗ missed, ? unknown, – of another stage; planted: judged rightly, of how many",
    ]
    for row in rows:
        lines += ["", row.experiment]
        lines += [f"  figures {mark}: {_verdicts(verdicts)}" for mark, verdicts in row.figures.items()]
        lines += [f"  {engine}: {date or 'no run is committed'}" for engine, date in row.engines.items()]
        lines += [f"  ✗ {reason}" for reason in row.why]
        lines += [f"  ? {reason}" for reason in row.open]
    return "\n".join(lines)


def _cells(row: Audited) -> Iterator[str]:
    for verdict in VERDICTS:
        counts = [verdicts.get(verdict, 0) for verdicts in row.figures.values()]
        yield str(sum(counts)) if row.figures else "·"
    yield f"{row.alive}/{row.mutants}" if row.mutants >= 0 else "·"
    yield f"{row.judged if row.judged >= 0 else '·'}/{row.planted}"
    yield f"{row.usual_cpu_s:.1f}" if row.usual_cpu_s else "·"
    yield f"{'✗' if row.red else '✔'} {row.doubt}"


def _verdicts(verdicts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))


def _audited(one: Experiment[Any]) -> Audited:
    report = read(committed(one.id))
    state = state_of(report, source_of(one))
    names = [file.stem for file in planted(one.id, root())]
    judged = _judged(one.id, names)
    engines = {name: _date(one.id, name) for name in map(name_of, one.stages) if name not in (MODEL, MACHINE)}
    counts = dict(report.mutants) if report is not None else {}
    return Audited(
        one.id,
        len(one.designs),
        len(one.claims),
        _figures(report),
        counts.get("alive", 0) if counts else -1,
        counts.get("all", 0) if counts else -1,
        len(names),
        judged,
        engines,
        report.usual_cpu_s if report is not None else 0.0,
        state,
        list(_why(one, report, state, len(names), judged, engines)),
        list(_open(report)),
    )


def _figures(report: Report | None) -> dict[str, dict[str, int]]:
    found = dict(report.figures) if report is not None else {}
    return {mark: dict(found[mark]) for mark in (*MARKS, *sorted(found.keys() - set(MARKS))) if mark in found}


def _why(
    one: Experiment[Any], report: Report | None, state: str, planted: int, judged: int, engines: Mapping[str, str]
) -> Iterator[str]:
    """What has to be done about an experiment."""
    if report is None:
        yield f"It was never doubted: windtunnel doubt {one.id} --out results/doubt/{one.id}.json."
    else:
        if state == "stale":
            yield "It has changed since it was doubted."
        if not report.complete:
            yield f"Its doubt ended early: {report.tried[0]} of {report.tried[1]} trials."
        for kind in dict.fromkeys(finding.kind for finding in report.findings):
            count = sum(finding.kind == kind for finding in report.findings)
            yield f"Doubt found {count} of kind {kind!r}."
        missed = sum(verdicts.get("missed", 0) for verdicts in report.figures.values())
        if missed:
            yield f"{missed} of its figures {'is' if missed == 1 else 'are'} missed."
        if one.figures and not report.figures:
            yield "Its figures were not judged: no run at its defaults is in the report."
        if not report.mutants:
            yield "No mutant of it was tried."
    if not planted:
        yield "No wrong and right designs are planted for it."
    elif judged < 0:
        command = f"windtunnel grade --planted {one.id} --json > results/planted/{one.id}.json"
        yield f"No verdicts on its {planted} planted designs are committed: {command}."
    elif judged < planted:
        yield f"{planted - judged} of its {planted} planted designs are judged wrongly."
    for engine, date in engines.items():
        if not date:
            yield f"No run on {engine} is committed in results/live."


def _open(report: Report | None) -> Iterator[str]:
    """What the report could not decide."""
    if report is None:
        return
    unknown = sum(verdicts.get("unknown", 0) for verdicts in report.figures.values())
    if unknown:
        yield f"{unknown} of its figures {'is' if unknown == 1 else 'are'} unknown: more seeds or longer runs decide."
    if report.not_judged:
        yield f"{len(report.not_judged)} of its claims were not doubted: they speak of other stages."
    if report.mutants.get("excused"):
        yield f"{report.mutants['excused']} changes that no claim notices are excused in the file."


def _judged(name: str, planted: Sequence[str]) -> int:
    """How many of them got the verdict that they deserve; -1 where that is not committed of just these."""
    rows = _read(root() / "results" / "planted" / f"{name}.json", "designs")
    try:
        if not planted or sorted(row["design"] for row in rows) != list(planted):
            return -1 if planted else 0
        return sum(row["as_it_should"] is True for row in rows)
    except (KeyError, TypeError):
        return -1


def _date(name: str, stage: str) -> str:
    """The day of the last committed run on a stage; "" where there is none."""
    taken = _read(root() / "results" / "live" / f"{name}-{stage}.json", "provenance")
    return str(taken.get("taken", ""))[:10] if isinstance(taken, dict) else ""


def _read(path: Path, key: str) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))[key]
    except (OSError, ValueError, KeyError, TypeError):
        return ()
