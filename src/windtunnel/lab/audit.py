"""The state of the catalogue: one row an experiment, read off what is committed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import windtunnel
from windtunnel.lab.discovery import every
from windtunnel.lab.doubt.changed import source_of
from windtunnel.lab.doubt.report import read, state_of
from windtunnel.lab.doubt.source import committed

MARKS = ("V", "Vq", "D", "R")


@dataclass(frozen=True, slots=True)
class Audited:
    """One experiment.

    Attributes:
        figures: by mark, how many are reproduced, of how many; and the same text for missed and unknown ones.
        mutants: how many are alive, of how many; "" where none was tried.
        planted: wrong and right designs of the tests.
        engines: the stages on which it runs, with the date of the last committed run there.
        doubt: "none", "stale" (the file has changed since), "n findings" or "ok".
        red: whether something has to be done.
    """

    experiment: str
    designs: int
    claims: int
    figures: str
    missed: int
    unknown: int
    mutants: str
    planted: str
    engines: str
    doubt: str
    usual_cpu_s: float
    red: bool


def root() -> Path:
    """The checkout that this package runs from."""
    return Path(windtunnel.__file__).resolve().parents[2]


def audit() -> list[Audited]:
    """Every experiment of the catalogue. Raises WrongInput for a damaged report."""
    rows = []
    for one in every():
        report = read(committed(one.id))
        state = state_of(report, source_of(one))
        figures = dict(report.figures) if report is not None else {}
        held = [
            f"{mark} {figures[mark].get('holds', 0)}/{sum(figures[mark].values())}" for mark in MARKS if mark in figures
        ]
        count = dict(report.mutants) if report is not None else {}
        rows.append(
            Audited(
                one.id,
                len(one.designs),
                len(one.claims),
                " ".join(held) or "–",
                sum(verdicts.get("fails", 0) for verdicts in figures.values()),
                sum(verdicts.get("unknown", 0) for verdicts in figures.values()),
                f"{count['alive']}/{count['all']}" if count else "–",
                _planted(one.id),
                " ".join(_engine(one.id, stage) for stage in map(_name, one.stages)),
                state,
                report.usual_cpu_s if report is not None else 0.0,
                state != "ok",
            )
        )
    return rows


def table(rows: Sequence[Audited]) -> str:
    """The rows, for a terminal."""
    head = ("experiment", "designs", "claims", "figures", "missed", "unknown", "alive", "planted", "CPU s", "doubt")
    told = [
        (
            row.experiment,
            str(row.designs),
            str(row.claims),
            row.figures,
            str(row.missed),
            str(row.unknown),
            row.mutants,
            row.planted,
            f"{row.usual_cpu_s:.1f}" if row.usual_cpu_s else "–",
            f"✗ {row.doubt}" if row.red else f"✔ {row.doubt}",
        )
        for row in rows
    ]
    widths = [max(len(line[i]) for line in (head, *told)) for i in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (head, *told)
    ]
    lines += ["", *(f"{row.experiment}: {row.engines}" for row in rows)]
    return "\n".join(lines)


def _name(stage: object) -> str:
    from windtunnel.lab.footing import name_of

    return name_of(stage)  # type: ignore[arg-type]  # a stage of an experiment is what a run takes


def _planted(name: str) -> str:
    """How many wrong and right designs the tests plant, where this is a checkout."""
    folder = root() / "tests" / "planted" / name.replace("-", "_")
    wrong, right = (len([*folder.glob(f"{kind}_*.py")]) for kind in ("wrong", "right"))
    return f"{wrong}+{right}" if wrong or right else "–"


def _engine(name: str, stage: str) -> str:
    """A stage with the date of its last committed run."""
    path = root() / "results" / "live" / f"{name}-{stage}.json"
    try:
        return f"{stage} ({json.loads(path.read_text('utf-8'))['provenance']['taken'][:10]})"
    except (OSError, ValueError, KeyError):
        return stage
