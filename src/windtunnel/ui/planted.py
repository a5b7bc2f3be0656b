"""Judge the judge: the planted designs of an experiment, wrong and right, on hidden seeds or on fresh ones."""

from __future__ import annotations

import ast
import json
import secrets
from pathlib import Path
from typing import Any

import click

from windtunnel.lab.errors import WrongInput


def planted_files(name: str) -> list[Path]:
    """The planted designs of an experiment. Raises WrongInput where there are none, or no tests beside the program."""
    from windtunnel.lab.audit import root
    from windtunnel.lab.discovery import find
    from windtunnel.lab.grading.challenge import planted

    experiment = find(name)
    for checkout in (root(), Path.cwd()):
        if files := planted(experiment.id, checkout):
            return files
    raise WrongInput(f"There are no planted designs of {name} here; they stand in tests/planted of a checkout.")


def mistake(file: Path) -> str:
    """The first line of a file: what its engineer got wrong, or right."""
    return (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "").partition("\n")[0]


def judge_planted(
    name: str, fresh: bool, one_more: Path | None, seeds: int, cpu_s: float, memory_mb: int, json_: bool
) -> int:
    """Grade them all; 0 where each wrong one fails, each right one passes, and the one more passes too."""
    from windtunnel.lab.grading.grade import FIRST_HIDDEN_SEED
    from windtunnel.ui.challenges import judged

    first = secrets.randbelow(10**9) + 10_000 if fresh else FIRST_HIDDEN_SEED
    chosen = list(range(first, first + seeds))
    files = planted_files(name) + ([one_more] if one_more is not None else [])
    if not json_:
        click.echo(f"Seeds {chosen[0]} to {chosen[-1]}")
    rows: list[dict[str, Any]] = []
    for file in files:
        found = judged(file, chosen, cpu_s, memory_mb, brief=True)
        wanted = file is one_more or file.name.startswith("right_")
        why = found.get("sentence") or found.get("why") or ""
        row = {"design": file.stem, "mistake": mistake(file), "passed": found["passed"], "why": why}
        rows.append(row | {"as_it_should": found["passed"] is wanted})
        if not json_:
            good = rows[-1]["as_it_should"]
            verdict = "passed" if found["passed"] else "failed"
            click.secho(f"{'✔' if good else '✘'} {file.stem}: {verdict}", fg="green" if good else "red")
            for line in (row["mistake"], why):
                if line:
                    click.secho(f"    {line}", dim=True)
    if json_:
        click.echo(json.dumps({"experiment": name, "seeds": chosen, "designs": rows}, ensure_ascii=False, indent=1))
    return 0 if all(row["as_it_should"] for row in rows) else 1
