"""`windtunnel doubt` and `windtunnel audit`."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path

import click

from windtunnel.ui.options import Seconds, check_writable, written


@click.command()
@click.argument("name")
@click.option("--seeds", type=click.IntRange(0), default=200, show_default=True, help="Fresh seeds at the test size.")
@click.option("--full", type=click.IntRange(0), default=40, show_default=True, help="Fresh seeds at the defaults.")
@click.option("--settings", type=click.IntRange(0), default=20, show_default=True, help="Settings drawn at random.")
@click.option(
    "--mutants/--no-mutants",
    default=True,
    help="Change each place of the designs' code in turn; designs change places anyway.",
)
@click.option("--first", type=click.IntRange(0), help="The first fresh seed; drawn by the operating system otherwise.")
@click.option("--budget", type=Seconds(0), metavar="S", help="Begin no further trial after so many seconds.")
@click.option("--jobs", type=click.IntRange(1), help="Processes; as many as cores by default.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the report as JSON to a file.")
@click.option("--json", "json_", is_flag=True, help="Print the report as JSON.")
def doubt(
    name: str,
    seeds: int,
    full: int,
    settings: int,
    mutants: bool,
    first: int | None,
    budget: float | None,
    jobs: int | None,
    out: Path | None,
    json_: bool,
) -> int:
    """Try to refute an experiment: fresh seeds, other settings, designs with something left out.

    Stopped, it goes on where it was when it is called again with the same options.
    """
    from windtunnel.lab.discovery import find
    from windtunnel.lab.doubt.changed import text_digest
    from windtunnel.lab.doubt.doubt import doubt as try_to_refute
    from windtunnel.lab.doubt.plan import Asked
    from windtunnel.lab.doubt.report import save, text_of
    from windtunnel.ui.progress import counted

    experiment = find(name)
    check_writable("--out", out)
    told = f"{seeds}-{full}-{settings}-{int(mutants)}" + ("" if first is None else f"-{first}")
    notes, first = _notes(experiment.id, f"{text_digest(experiment)}-{told}", first)
    if not json_:
        click.echo(f"{experiment.id}: fresh seeds from {first} on", err=True)
    with counted(experiment.id, hidden=json_) as say:
        report = try_to_refute(
            experiment,
            Asked(first, seeds, full, settings, mutants),
            file=name if name.endswith(".py") else "",
            jobs=jobs,
            budget_s=math.inf if budget is None else budget,
            notes=notes,
            say=say,
        )
    if report.complete:
        notes.unlink(missing_ok=True)
    written(out, lambda path: save(report, path))
    click.echo(json.dumps(asdict(report), indent=1, ensure_ascii=False) if json_ else text_of(report))
    return 1 if report.findings else 0 if report.complete else 3


def _notes(name: str, what: str, first: int | None) -> tuple[Path, int]:
    """Where finished trials are noted, and the first seed: that of a call that was stopped, or a fresh one."""
    import secrets

    from windtunnel.lab.notes import folder, unkept

    begun = folder("doubt") / f"{name}-{what}.seed"
    notes = begun.with_suffix(".jsonl")
    try:
        if first is None and notes.exists() and begun.exists():
            return notes, int(begun.read_text("utf-8"))
        drawn = secrets.randbelow(2**40) + 10_000 if first is None else first
        begun.write_text(str(drawn), "utf-8")
    except (OSError, ValueError) as error:
        raise unkept(begun.parent, error) from error
    return notes, drawn


@click.command()
@click.option("--json", "json_", is_flag=True, help="Print as JSON.")
def audit(json_: bool) -> int:
    """One row an experiment: what it holds, what was reproduced, what doubt found. Exit status 1 where one is red."""
    from windtunnel.lab.audit import audit as audited, table

    rows = audited()
    click.echo(json.dumps([{**asdict(row), "red": row.red} for row in rows], indent=1) if json_ else table(rows))
    return 1 if any(row.red for row in rows) else 0


DOUBTING = (doubt, audit)
